import { NANO_TAGS } from '../core/prompts/nano.ts';
import { OPERATIONS } from './operations.ts';

/**
 * The bundled model's vocabulary: every byte, then fragments of its language. Text is cut greedily, the longest
 * fragment first, which is how llama.cpp reads a vocabulary of the type `rwkv`.
 */
export interface Vocabulary {
  /** Text of each token; bytes above 127 are given as bytes. Unused tokens at the end are null. */
  readonly tokens: readonly (Uint8Array | null)[];
  readonly pad: number;
  readonly eos: number;
  encode(text: string): number[];
  /** Exact inverse of `encode`; `pad` and `eos` are empty. */
  decode(tokens: readonly number[]): string;
}

const HEADERS = ['solve', 'propose'].flatMap((role) =>
  ['deduction', 'abduction', 'induction'].map((type) =>
    role === 'propose' && type === 'induction' ? `### ${role} ${type}\nprogram: ` : `### ${role} ${type}\n`,
  ),
);

const FIELDS = [
  '### solve deduction\nprogram: ',
  '### solve abduction\nprogram: ',
  'program: ',
  'input: ',
  'output: ',
  'message: ',
  '\ninput: ',
  '\noutput: ',
  '\nmessage: ',
  ' -> ',
];

const TAGS = [...NANO_TAGS, '</think><answer>', '<think></think><answer>'];

const CODE = [
  'function f(',
  'function f(n',
  'function f(s',
  'function f(a',
  ',m){',
  '){return ',
  ',m){return ',
  '){let b=',
  ',m){let b=',
  ')}',
  '])}',
  '")}',
  '"}',
  ']}',
  ...[';', ');', ']);', '");', '];', '";'].flatMap((end) => [`${end}let c=`, `${end}let d=`, `${end}let e=`, `${end}return `]),
  'Math.max(',
  'Math.min(',
  'Math.max(...',
  'Math.min(...',
  '.repeat(',
  '.slice(',
  '.slice(0,',
  '.split("").reverse().join("")',
  '.toUpperCase()',
  '.replaceAll("',
  '","',
  '.length',
  '.indexOf("',
  '.map(x=>x+',
  '.map(x=>x*2)',
  '.filter(x=>x>',
  '.filter(x=>x<',
  '.slice().reverse()',
  '.slice().sort((x,y)=>x-y)',
  '.concat([',
  '].concat(',
  '.reduce((x,y)=>x+y,0)',
  '.at(-1)',
  '[0]',
  '*2',
  '+"',
  '"+',
  '[]',
  '""',
];

const THOUGHT = [
  'b=',
  'c=',
  'd=',
  'e=',
  ';c=',
  ';d=',
  ';e=',
  ':b=',
  '];c=',
  '];d=',
  '];e=',
  '";c=',
  '";d=',
  '";e=',
  ' no;',
  ' ok',
  '];',
  '";',
  '[];',
  '[];c=',
  '[];d=',
  '[];e=',
  ';return ',
];

const NAMES = [...new Set(OPERATIONS.map((operation) => operation.name))].filter((name) => name.length > 1);

const NUMBERS = [
  ...Array.from({ length: 31 }, (_, i) => String(10 + i)),
  ...Array.from({ length: 9 }, (_, i) => `-${i + 1}`),
  ...Array.from({ length: 21 }, (_, i) => `[${i}`),
  ...Array.from({ length: 21 }, (_, i) => `,${i}`),
];

const BACKWARD = [';b=', '];b=', '";b=', '[];b='];

/** Tokens are counted up to a multiple of this, so that matrices have round sizes. */
const ROUND = 32;

export const nanoVocabulary = (): Vocabulary => (shared ??= build());
let shared: Vocabulary | undefined;

function build(): Vocabulary {
  const fragments = [...new Set([...HEADERS, ...FIELDS, ...TAGS, ...CODE, ...THOUGHT, ...NAMES, ...NUMBERS, ...BACKWARD])];
  const used = 256 + 2 + fragments.length;
  const size = Math.ceil(used / ROUND) * ROUND;
  const encoder = new TextEncoder();
  const tokens: (Uint8Array | null)[] = Array.from({ length: size }, () => null);
  for (let byte = 0; byte < 256; byte++) tokens[byte] = Uint8Array.of(byte);
  const [pad, eos] = [256, 257];
  const ids = new Map<string, number>();
  fragments.forEach((text, i) => {
    tokens[258 + i] = encoder.encode(text);
    ids.set(text, 258 + i);
  });
  const pattern = new RegExp(
    [...fragments]
      .sort((a, b) => b.length - a.length)
      .map((text) => text.replace(/[^\w]/g, '\\$&'))
      .join('|'),
    'y',
  );
  const encode = (text: string): number[] => {
    const out: number[] = [];
    for (let at = 0; at < text.length;) {
      pattern.lastIndex = at;
      const word = pattern.exec(text)?.[0];
      const id = word === undefined ? undefined : ids.get(word);
      if (word !== undefined && id !== undefined) {
        out.push(id);
        at += word.length;
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(at) as number);
      out.push(...encoder.encode(character));
      at += character.length;
    }
    return out;
  };
  const decode = (list: readonly number[]): string => Buffer.concat(list.flatMap((id) => tokens[id] ?? [])).toString('utf8');
  return { tokens, pad, eos, encode, decode };
}
