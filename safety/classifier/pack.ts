import { BUCKETS } from './features.ts';
import type { Weights } from './model.ts';
import { lexicon } from '../lexicon/index.ts';
import { CONCEPTS, HIDDEN, OUTPUTS } from './model.ts';
import { DIMS } from './words.ts';

/** Where weights come from: enough to make them again, bit for bit. */
export interface Provenance {
  readonly command: string;
  readonly examples: string;
  readonly words: string;
  readonly data: readonly { readonly name: string; readonly sha256: string; readonly texts: number }[];
}

/** Weights as JSON: n-grams as bytes with one scale per output, the rest as 32-bit floats (little endian), in base64. */
export interface Packed {
  readonly version: number;
  readonly provenance: Provenance;
  readonly scales: readonly number[];
  /** Names of the lexicon's concepts, in the order of their weights. */
  readonly concepts: readonly string[];
  readonly grams: string;
  readonly dense: string;
}

const DENSE = ['conceptInput', 'conceptDirect', 'input', 'inputBias', 'hidden', 'direct', 'bias'] as const;
const SIZES: Readonly<Record<(typeof DENSE)[number], number>> = {
  conceptInput: HIDDEN * CONCEPTS,
  conceptDirect: OUTPUTS * CONCEPTS,
  input: HIDDEN * DIMS,
  inputBias: HIDDEN,
  hidden: OUTPUTS * HIDDEN,
  direct: OUTPUTS * DIMS,
  bias: OUTPUTS,
};

export function pack(weights: Weights, provenance: Provenance): Packed {
  const scales = Array.from({ length: OUTPUTS }, (_, output) => {
    let largest = 0;
    for (let at = output; at < weights.grams.length; at += OUTPUTS) largest = Math.max(largest, Math.abs(weights.grams[at] ?? 0));
    return Number((largest / 127).toPrecision(8)) || 1;
  });
  const grams = Buffer.alloc(weights.grams.length);
  for (let at = 0; at < grams.length; at++) grams.writeInt8(Math.round((weights.grams[at] ?? 0) / (scales[at % OUTPUTS] ?? 1)), at);
  const numbers = DENSE.flatMap((name) => [...weights[name]]);
  const dense = Buffer.alloc(numbers.length * 4);
  for (const [at, value] of numbers.entries()) dense.writeFloatLE(value, at * 4);
  return { version: 2, provenance, scales, concepts: lexicon().names(), grams: grams.toString('base64'), dense: dense.toString('base64') };
}

/** Throws when the file is not of this version or size. */
export function unpack(packed: Packed): Weights {
  const bytes = Buffer.from(packed.grams, 'base64');
  const dense = Buffer.from(packed.dense, 'base64');
  const total = DENSE.reduce((sum, name) => sum + SIZES[name], 0);
  if (packed.version !== 2 || bytes.length !== BUCKETS * OUTPUTS || dense.length !== total * 4)
    throw new Error('The weights of the classifier do not fit this version; make them again with "kelvin monitor train".');
  const grams = new Float32Array(bytes.length);
  for (let at = 0; at < grams.length; at++) grams[at] = bytes.readInt8(at) * (packed.scales[at % OUTPUTS] ?? 0);
  let from = 0;
  const take = (size: number): Float32Array => {
    const part = Float32Array.from({ length: size }, (_, at) => dense.readFloatLE((from + at) * 4));
    from += size;
    return part;
  };
  // A concept that came or went since the training does not move the weights of the others.
  const now = lexicon().names();
  const placed = (rows: Float32Array): Float32Array => {
    const out = new Float32Array(rows.length);
    for (const [from, name] of packed.concepts.entries()) {
      const to = now.indexOf(name);
      if (to >= 0) for (let row = 0; row < rows.length; row += CONCEPTS) out[row + to] = rows[row + from] as number;
    }
    return out;
  };
  return {
    grams,
    conceptInput: placed(take(SIZES.conceptInput)),
    conceptDirect: placed(take(SIZES.conceptDirect)),
    input: take(SIZES.input),
    inputBias: take(SIZES.inputBias),
    hidden: take(SIZES.hidden),
    direct: take(SIZES.direct),
    bias: take(SIZES.bias),
  };
}
