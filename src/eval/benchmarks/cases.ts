import { inflateSync } from 'node:zlib';
import { unpickleText } from './pickle.ts';

/** A test case of LiveCodeBench: what a program reads, what it must print. */
export interface StdinCase {
  readonly input: string;
  readonly output: string;
}

/** One JSON value a line of input; the output as JSON. */
export type FunctionCase = StdinCase;

export interface TestCases {
  readonly stdin: boolean;
  readonly cases: readonly StdinCase[];
}

/** A bomb ends here. */
const MOST_BYTES = 500e6;

/**
 * Test cases as LiveCodeBench publishes them: a JSON text, or base64 of zlib of a pickled JSON text.
 * @throws RangeError with the reason, as the end of a sentence about the field.
 */
export function readCases(published: string): TestCases {
  const found: unknown = parse(published) ?? parse(unpack(published));
  if (!Array.isArray(found)) throw new RangeError('is not a list of test cases');
  const cases = found.map((item: unknown, i) => {
    const { input, output, testtype } = (item ?? {}) as Record<string, unknown>;
    if (typeof input !== 'string' || typeof output !== 'string' || (testtype !== 'stdin' && testtype !== 'functional'))
      throw new RangeError(`has a case ${i + 1} without input, output or testtype`);
    return { input, output, testtype };
  });
  return { stdin: cases.every(({ testtype }) => testtype === 'stdin'), cases: cases.map(({ input, output }) => ({ input, output })) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unpack(published: string): string {
  try {
    return unpickleText(inflateSync(Buffer.from(published, 'base64'), { maxOutputLength: MOST_BYTES }));
  } catch (error) {
    throw new RangeError(`is neither JSON nor a packed text (${(error as Error).message})`, { cause: error });
  }
}
