import { beforeAll, describe, expect, test } from 'vitest';
import type { BootImage } from '../../src/environment/python/boot.ts';
import { bootImages, compilePython } from '../../src/environment/python/build.ts';
import { DEFAULT_MODULES } from '../../src/environment/python/guest.ts';
import { loadImages, prepareImages } from '../../src/environment/python/image.ts';
import { PythonInterpreter } from '../../src/environment/python/interpreter.ts';
import { encodeMarshal } from '../../src/environment/python/marshal.ts';
import { resolveLimits } from '../../src/environment/limits.ts';

const BOOT_MS = 180_000;
const RUN_MS = 60_000;
let module: WebAssembly.Module;
let images: readonly BootImage[];
beforeAll(async () => {
  await prepareImages(DEFAULT_MODULES);
  module = compilePython();
  images = loadImages(DEFAULT_MODULES) ?? bootImages(module, DEFAULT_MODULES);
}, BOOT_MS);

function open(image = 0): PythonInterpreter {
  const options = { module, image: images[image] as BootImage, limits: resolveLimits({ fuel: 300 }), tick: () => undefined };
  return new PythonInterpreter(options);
}

const args = encodeMarshal({ kind: 'tuple', items: [{ kind: 'int', value: 41n }] });

/** Addresses of bytes that are not as in the image, the first few. */
function differences({ memory }: PythonInterpreter, image: BootImage): number[] {
  const source = new Uint8Array(image.memory);
  const { bytes } = memory;
  const zeros = new Uint8Array(bytes.length - source.length);
  if (Buffer.compare(source, bytes.subarray(0, source.length)) === 0 && Buffer.compare(zeros, bytes.subarray(source.length)) === 0)
    return [];
  return Array.from(bytes.keys()).filter((at) => bytes[at] !== (source[at] ?? 0)).slice(0, 5); // prettier-ignore
}

describe('after every run', () => {
  let interpreter: PythonInterpreter | undefined;
  test.each([
    'def f(x): return x + 1',
    'def f(x): return [str(i) * i for i in range(x)], {i: {i} for i in range(x)}, b"a" * x',
    'import re, json, decimal, itertools\ndef f(x): return json.dumps([str(decimal.Decimal(1) / x), re.findall("a+", "aabaa"), list(itertools.permutations(range(4)))])',
    'import math\nmath.pi = 3\nclass A:\n    def __del__(self): self.x = 1\na = A()\ndef f(x): return sorted(range(1000), key=lambda v: -v)[:3]',
    'def f(x): return f(x)',
    'def f(x):\n    while True: pass',
    'def f(x):\n    s = "a"\n    while True: s += s',
    'def f(x): return len(bytearray(30_000_000))',
    'def f(x):\n    g = lambda: 0\n    g.__code__ = g.__code__.replace(co_code=b"\\x53\\xff" * 50)\n    return g()',
    'def f(x):\n    a = None\n    for i in range(50_000): a = (a,)\n    return 1',
    'import sys\ndef f(x): return sys.modules["os"].urandom(5000), sys.meta_path[0].load_module("time").gmtime(0), sys.modules["os"].abort()',
    'def f(:',
    'import array\ndef f(x):\n    a = array.array("d", range(5000)); a.byteswap(); a.reverse(); a[2:] = a[:-2]\n    return a.tobytes()[:3]',
    'import zlib, base64\ndef f(x): return base64.b85encode(zlib.compress(bytes(range(256)) * 40))',
    'def f(x):\n    raise ValueError("é" * 10_000)',
  ])('every byte of the memory is as in the image: %j', { timeout: RUN_MS }, (code) => {
    interpreter ??= open();
    for (let round = 0; round < 2; round++) {
      interpreter.run({ code, args, calls: 1 });
      expect(differences(interpreter, images[0] as BootImage)).toEqual([]);
    }
  });
});

describe('fuel', () => {
  test('ends a program at the same step however often it runs', { timeout: RUN_MS }, () => {
    const interpreter = open();
    const code = (turns: number): string => `def f(x):\n    for i in range(${turns}): x = (x * 3 + i) % 1000\n    return x`;
    const verdicts = (): string[] =>
      [50, 1_000, 100_000, 10_000_000].map((turns) => interpreter.run({ code: code(turns), args, calls: 1 }).verdict);
    const first = verdicts();
    expect(first.at(-1)).toBe('timeout');
    expect(first[0]).toBe('ok');
    for (let round = 0; round < 3; round++) expect(verdicts()).toEqual(first);
  });
});

describe('images', () => {
  test('differ in hashes, addresses, clock and random numbers', () => {
    const code = 'def f(x): return hash("a"), id(object())';
    const outputs = [0, 1].map((image) => open(image).run({ code, args, calls: 1 }));
    expect(outputs.map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
    expect(outputs[0]).not.toEqual(outputs[1]);
  });
});
