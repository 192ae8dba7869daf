/**
 * JSON that keeps every number: NaN, the infinities (null in JSON) and −0 (0 in JSON) travel as `{"$number":"NaN"}`.
 * A gradient norm that became NaN is a fact worth recording.
 */
const wrap = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return { $number: Object.is(value, -0) ? '-0' : String(value) };
};

const unwrap = (_key: string, value: unknown): unknown => {
  const text = (value as { $number?: unknown } | null)?.$number;
  return typeof text === 'string' ? Number(text) : value;
};

export const encode = (value: unknown): string => JSON.stringify(value, wrap);

export const decode = (text: string): unknown => JSON.parse(text, unwrap);

/** As `encode`, with the keys of every object sorted: equal values give equal bytes, so that they can be hashed. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (key, item: unknown) => {
    const plain = wrap(key, item);
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return plain;
    return Object.fromEntries(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
