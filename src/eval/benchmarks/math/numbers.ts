/** Numbers as answers write them: decimals, fractions, mixed numbers, powers of ten. */
export interface Exact {
  readonly top: bigint;
  readonly bottom: bigint;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
const POWER = /^(.+?)(?:\\times|\\cdot|\*)10\^(?:\{([+-]?\d{1,3})\}|([+-]?\d))$/;
const FRACTION = /^([+-]?)(\d+)?\\frac\{([+-]?[\d.]+)\}\{([+-]?[\d.]+)\}$/;
const SLASH = /^([+-]?[\d.]+)\/([\d.]+)$/;
const MOST_DIGITS = 400;

/** The exact value of a number, or null. */
export function exactOf(text: string): Exact | null {
  const bare = text.replace(/\s+/g, '').replace(/^\+/, '');
  if (bare.length > MOST_DIGITS) return null;
  const decimal = DECIMAL.exec(bare);
  if (decimal) {
    const [, sign = '', whole = '0', part = '', power = '0'] = decimal;
    return scaled({ top: BigInt(`${sign === '-' ? '-' : ''}${whole}${part}`), bottom: 10n ** BigInt(part.length) }, Number(power));
  }
  const power = POWER.exec(bare);
  if (power) {
    const factor = exactOf(power[1] ?? '');
    return factor && scaled(factor, Number(power[2] ?? power[3]));
  }
  const ten = /^([+-]?)10\^(?:\{([+-]?\d{1,3})\}|(\d))$/.exec(bare);
  if (ten) return scaled({ top: ten[1] === '-' ? -1n : 1n, bottom: 1n }, Number(ten[2] ?? ten[3]));
  const slash = SLASH.exec(bare);
  if (slash) return divided(exactOf(slash[1] ?? ''), exactOf(slash[2] ?? ''));
  const fraction = FRACTION.exec(bare);
  if (!fraction) return null;
  const [, sign, whole, top = '', bottom = ''] = fraction;
  const value = divided(exactOf(top), exactOf(bottom));
  if (value === null || (whole !== undefined && value.top < 0n)) return null;
  const sum = { top: value.top + BigInt(whole ?? 0) * value.bottom, bottom: value.bottom };
  return sign === '-' ? { ...sum, top: -sum.top } : sum;
}

const scaled = ({ top, bottom }: Exact, power: number): Exact =>
  power >= 0 ? { top: top * 10n ** BigInt(power), bottom } : { top, bottom: bottom * 10n ** BigInt(-power) };

function divided(a: Exact | null, b: Exact | null): Exact | null {
  if (a === null || b === null || b.top === 0n) return null;
  const sign = b.top < 0n ? -1n : 1n;
  return { top: sign * a.top * b.bottom, bottom: sign * a.bottom * b.top };
}

/** The value of a number, or null when the text is none. */
export function numberOf(text: string): number | null {
  const exact = exactOf(text);
  if (exact === null) return null;
  const { top, bottom } = exact;
  const whole = top / bottom;
  const value = Number(whole) + Number(((top % bottom) * 10n ** 20n) / bottom) / 1e20;
  // Small ones lose their digits that way.
  return whole === 0n ? Number(top) / Number(bottom) || value : value;
}
