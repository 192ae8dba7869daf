/**
 * Seeded random numbers, passed in wherever chance is needed, so that a run repeats bit for bit.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state.
 */
export interface Rng {
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  /** Four unsigned 32-bit words: restore with `rngFromState`. */
  state(): RngState;
}

export type RngState = readonly [number, number, number, number];

export function rngFromState(state: RngState): Rng {
  let [a, b, c, d] = state;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  return {
    next,
    int: (bound) => Math.floor(next() * bound),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}

/** A stream that depends on every part of `key`, so that streams of different purposes never overlap by accident. */
export function rng(...key: readonly (string | number)[]): Rng {
  const stream = rngFromState([hash32('a', key), hash32('b', key), hash32('c', key), 1]);
  for (let i = 0; i < 12; i++) stream.next();
  return stream;
}

/** A 31-bit seed for a sampler, derived like `rng`. */
export const seedOf = (...key: readonly (string | number)[]): number => hash32('seed', key) >>> 1;

/** FNV-1a with a final avalanche (murmur3's). */
function hash32(salt: string, key: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  const text = `${salt}\u0000${key.join('\u0000')}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `count` distinct elements in random order (all of them when there are fewer). */
export function sampleWithoutReplacement<T>(items: readonly T[], count: number, random: Rng): T[] {
  const pool = [...items];
  const taken: T[] = [];
  while (taken.length < count && pool.length > 0) {
    const index = random.int(pool.length);
    taken.push(pool[index] as T);
    pool[index] = pool[pool.length - 1] as T;
    pool.pop();
  }
  return taken;
}
