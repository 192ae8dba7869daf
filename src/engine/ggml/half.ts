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

/** IEEE 754 binary16, little-endian, rounded to nearest, ties to even; what is too large becomes infinite. */
export function toF16(data: Float32Array): Uint8Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const out = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const x = bits[i] as number;
    const sign = (x >>> 16) & 0x8000;
    const exponent = ((x >>> 23) & 255) - 112;
    const fraction = x & 0x7fffff;
    if (exponent === 143) out[i] = sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
    else if (exponent >= 31) out[i] = sign | 0x7c00;
    else if (exponent < -10) out[i] = sign;
    else {
      // Below the normal range the implicit one becomes part of the fraction.
      const [whole, shift] = exponent > 0 ? [(exponent << 23) | fraction, 13] : [fraction | 0x800000, 14 - exponent];
      const half = whole >>> shift;
      const rest = whole & ((1 << shift) - 1);
      const tie = 1 << (shift - 1);
      out[i] = sign | (half + (rest > tie || (rest === tie && (half & 1) === 1) ? 1 : 0));
    }
  }
  return new Uint8Array(out.buffer);
}
