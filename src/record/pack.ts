/**
 * Token ids and log-probabilities as bytes: one byte for the kind, then the numbers, little-endian. The narrowest
 * kind that keeps every number bit for bit is used, so tokens of a small vocabulary cost two bytes each.
 */
type Kind = {
  readonly tag: number;
  readonly width: number;
  fits(x: number): boolean;
  /** What the bytes are on a little-endian machine, which all that Node runs on here are. */
  numbers(bytes: ArrayBuffer): ArrayLike<number>;
  set(view: DataView, at: number, x: number): void;
};

const KINDS: readonly Kind[] = [
  {
    tag: 1,
    width: 2,
    fits: (x) => x >= 0 && x < 65536 && Number.isInteger(x) && !Object.is(x, -0),
    numbers: (bytes) => new Uint16Array(bytes),
    set: (view, at, x) => view.setUint16(at, x, true),
  },
  {
    tag: 2,
    width: 4,
    fits: (x) => x >= 0 && x < 2 ** 32 && Number.isInteger(x) && !Object.is(x, -0),
    numbers: (bytes) => new Uint32Array(bytes),
    set: (view, at, x) => view.setUint32(at, x, true),
  },
  {
    tag: 3,
    width: 4,
    fits: (x) => Object.is(Math.fround(x), x),
    numbers: (bytes) => new Float32Array(bytes),
    set: (view, at, x) => view.setFloat32(at, x, true),
  },
  { tag: 4, width: 8, fits: () => true, numbers: (bytes) => new Float64Array(bytes), set: (view, at, x) => view.setFloat64(at, x, true) },
];

export function pack(numbers: readonly number[]): Uint8Array {
  const kind = KINDS.find((candidate) => numbers.every(candidate.fits))!;
  const bytes = new Uint8Array(1 + numbers.length * kind.width);
  const view = new DataView(bytes.buffer);
  bytes[0] = kind.tag;
  numbers.forEach((x, i) => kind.set(view, 1 + i * kind.width, x));
  return bytes;
}

/** Throws `RangeError` on bytes that `pack` cannot have written. */
export function unpack(bytes: Uint8Array): number[] {
  const kind = KINDS.find((candidate) => candidate.tag === bytes[0]);
  if (!kind || (bytes.length - 1) % kind.width !== 0)
    throw new RangeError(`${bytes.length} bytes of kind ${bytes[0]} are no packed numbers`);
  // A copy of its own: the numbers would not be aligned in the middle of another.
  return Array.from(kind.numbers(new Uint8Array(bytes.subarray(1)).buffer));
}
