/**
 * JSON as Python reads it: `1` and `1.0` are unlike, integers have no bound, NaN and Infinity are numbers. Needed where
 * inputs of Python programs come as JSON.
 */

/** A number as it was written. */
class Exact {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

const MARK = '\u0000number:';

/** A Python literal of the value that the JSON text stands for; `pick` takes a part of it first. Null when it is not JSON. */
export function pythonLiteral(json: string, pick: (value: unknown) => unknown = (value) => value): string | null {
  const marked = json.replace(/"(?:[^"\\]|\\.)*"|-?Infinity\b|\bNaN\b/g, (part) =>
    part.startsWith('"') ? part : JSON.stringify(`${MARK}${part}`),
  );
  try {
    // The third argument (the text of a number) is younger than the types.
    const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
      if (typeof value === 'number') return new Exact(context?.source ?? String(value));
      return typeof value === 'string' && value.startsWith(MARK) ? new Exact(value.slice(MARK.length)) : value;
    };
    return write(pick(JSON.parse(marked, reviver as (key: string, value: unknown) => unknown)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const SPECIAL: Readonly<Record<string, string>> = {
  NaN: 'float("nan")',
  Infinity: 'float("inf")',
  '-Infinity': 'float("-inf")',
};

function write(value: unknown): string {
  if (value instanceof Exact) return SPECIAL[value.source] ?? value.source;
  if (typeof value === 'string') return pythonText(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonText(key)}: ${write(item)}`)
      .join(', ')}}`;
  return value === true ? 'True' : value === false ? 'False' : 'None';
}

/** A Python string literal: every JSON string is one, but for separators that end a line nowhere in Python. */
export const pythonText = (text: string): string => JSON.stringify(text);
