/** The two 16-bit floating-point formats, as float32. */

/** IEEE 754 binary16; `bytes` are little-endian. */
export function fromF16(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    if (exponent === 0) return sign * fraction * 2 ** -14;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction) * 2 ** (exponent - 15);
  });
}

/** bfloat16: the upper half of a float32. */
export function fromBf16(bytes: Uint8Array): Float32Array {
  const out = new Uint32Array(bytes.length / 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < out.length; i++) out[i] = view.getUint16(2 * i, true) << 16;
  return new Float32Array(out.buffer);
}
