/** One key that two configurations disagree on; undefined where a configuration has no such key. */
export interface ConfigChange {
  /** Dotted path, for instance `optim.lr`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What differs between two configurations, in the order of the keys of the second. */
export function configChanges(before: unknown, after: unknown, prefix = ''): ConfigChange[] {
  const [a, b] = [isGroup(before) ? before : {}, isGroup(after) ? after : {}];
  return [...new Set([...Object.keys(b), ...Object.keys(a)])].flatMap((key): ConfigChange[] => {
    const path = prefix + key;
    if (isGroup(a[key]) && isGroup(b[key])) return configChanges(a[key], b[key], `${path}.`);
    return JSON.stringify(a[key]) === JSON.stringify(b[key]) ? [] : [{ path, before: a[key], after: b[key] }];
  });
}

const shown = (value: unknown): string => (value === undefined ? '(not set)' : JSON.stringify(value));

/** One line a change: `optim.lr: 0.0001 → 0.00005`. */
export const changeLine = ({ path, before, after }: ConfigChange): string => `${path}: ${shown(before)} → ${shown(after)}`;
