import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { encodeValue, renderValue } from '../../src/environment/javascript/value.ts';
import { anyValue } from './values.ts';

let environment: SandboxEnvironment;
beforeAll(async () => {
  environment = await openJavascriptEnvironment({
    fuel: 1_000,
    timeoutMs: 2_000,
    outputChars: 5_000,
    programChars: 50_000,
    inputChars: 50_000,
  });
});
afterAll(() => environment[Symbol.asyncDispose]());

const output = async (program: string, input = ''): Promise<string> => {
  const execution = await environment.execute(program, input);
  return execution.verdict === 'ok' ? execution.output : `${execution.verdict}: ${execution.detail}`;
};

describe('running', () => {
  test('a function of its arguments', async () => {
    expect(await output('function f(a, b) { return a.concat(b) }', '[1], [2, "x"]')).toBe('[1,2,"x"]');
    expect(await output('const f = (o) => ({ ...o, b: 2 })', '{"z": 1}')).toBe('{"b":2,"z":1}');
    expect(await output('function f() { return [...arguments].length }', '')).toBe('0');
    expect(await output('async function f(x) { await null; return x * 2 }', '4')).toBe('8');
    expect(await output('function f(s) { console.log(s); return s.length }', '"\u{1f600}"')).toBe('2');
  });

  test.each([
    ['function f(x) { return x(', 'error: The program is not valid JavaScript'],
    ['function g() {}', 'error: The program declares no function f.'],
    ['const f = 1', 'error: The program declares no function f.'],
    ['function f(x) { throw new TypeError("no") }', 'error: The program failed: TypeError: no'],
    ['function f(x) { throw { get name() { throw 1 } } }', 'error: The program failed: threw a value that cannot be described'],
    ['function f(x) { return f(x) }', 'error: The program failed: RangeError'],
    ['throw null; function f() {}', 'error: The program failed: threw null'],
    ['function f() { return JSON.parse("[".repeat(100000)) }', 'error: '],
    ['function f() { return new RegExp("(".repeat(20000) + ")".repeat(20000)).test("") }', 'error: '],
    ['async function f() { await new Promise(() => {}) }', 'error: The function returned a promise that never settles.'],
    ['async function f() { throw new Error("late") }', 'error: The program failed: Error: late'],
  ])('%s: %s', async (program, words) => expect(await output(program, '1')).toContain(words));

  test.each([
    ['function f() { return () => 1 }', 'holds a function'],
    ['function f() { return Symbol("a") }', 'holds a symbol'],
    ['function f() { return [Symbol.iterator] }', 'holds a symbol'],
    ['function f() { return new (class A {})() }', 'instance of a class'],
    ['function f() { return new Error("x") }', 'instance of a class'],
    ['function f() { return new (class A extends Array {})() }', 'instance of a class'],
    ['function f() { return Object.create(Map.prototype) }', ''],
    ['function f() { return new Number(7) }', 'instance of a class'],
    ['function f() { return { get a() { return 1 } } }', 'accessor'],
    ['function f() { const a = []; a.push(a); return a }', 'contains itself'],
    ['function f() { let a = []; for (let i = 0; i < 200; i++) a = [a]; return a }', 'nests deeper'],
    ['function f() { return "x".repeat(6000) }', 'longer than 5000'],
    ['function f() { const a = []; a[4e9] = 1; return a }', 'longer than 5000'],
    ['function f() { return { [Symbol.toPrimitive]() { return 7 } } }', 'symbol as a key'],
  ])('%s has no canonical form', async (program, words) => {
    const execution = await environment.execute(program, '');
    expect(execution.verdict).toMatch(/^(unsupported|error)$/);
    expect(execution.verdict === 'ok' ? '' : execution.detail).toContain(words);
  });

  test('every value means the same in the sandbox as its literal on the host', async () => {
    await fc.assert(
      fc.asyncProperty(anyValue, async (value) => {
        expect(await output('function f(x) { return x }', renderedLiteral(renderValue(value)))).toBe(encodeValue(value));
      }),
      { numRuns: 250 },
    );
  });

  test('source in a program and the literal reader agree', async () => {
    await fc.assert(
      fc.asyncProperty(anyValue, async (value) => {
        const source = renderedLiteral(renderValue(value));
        expect(await output(`function f() { return (${source}) }`)).toBe(environment.canonicalValue(source));
      }),
      { numRuns: 150 },
    );
  });
});

/** The reader takes names for what has no digits. */
function renderedLiteral(source: string): string {
  return source.replaceAll('(0/0)', 'NaN').replaceAll('(1/0)', 'Infinity').replaceAll('(-1/0)', '-Infinity');
}

describe('inputs are data', () => {
  test.each(['process.exit()', '1); globalThis.x = (1', 'f', '(() => 1)()', '...[1]', '1,'])('%s is not run', async (input) => {
    expect(await output('function f(x) { return x }', input)).toMatch(/^unsupported: The input is not a list of literals/);
  });

  test('arguments are made before the program can patch what makes them', async () => {
    expect(await output('globalThis.Map = class { }; function f(m) { return m }', 'new Map([[1, 2]])')).toBe('Map{1=>2}');
    expect(await output('Object.defineProperty(Array.prototype, 0, { set() { throw 1 } }); function f(a) { return a }', '[5]')).toBe('[5]');
  });
});

describe('nothing gets out, nothing stays', () => {
  test.each([
    'function f() { return this.constructor.constructor("return typeof process + typeof require + typeof fetch")() }',
    'function f() { return [].at.constructor("return typeof globalThis.std + typeof globalThis.os + typeof globalThis.print")() }',
  ])('%s finds no host', async (program) => expect(await output(program)).toBe('"undefinedundefinedundefined"'));

  test('a program cannot forge its output by patching', async () => {
    const program = `
      JSON.stringify = () => '"forged"';
      for (const name of ['join', 'push', 'sort', Symbol.iterator]) Array.prototype[name] = () => 'forged';
      String.prototype.slice = () => 'forged';
      Reflect.apply = () => 'forged'; Reflect.ownKeys = () => ['forged'];
      Object.prototype.toJSON = () => 'forged';
      Function.prototype.call = Function.prototype.apply = () => 'forged';
      function f(x) { return { a: [x, 'b'] } }`;
    expect(await output(program, '1')).toBe('{"a":[1,"b"]}');
  });

  test('polluted prototypes do not reach the encoder', async () => {
    expect(
      await output('Object.prototype.value = 1; Object.prototype.enumerable = true; function f() { return { get a() { return 1 } } }'),
    ).toMatch(/^unsupported: The output holds an accessor/);
    expect(await output('Object.defineProperty(Object.prototype, "get", { get() { for (;;); } }); function f() { return { a: 1 } }')).toBe(
      '{"a":1}',
    );
    expect(
      await output(
        'Array.prototype[Symbol.iterator] = null; Object.setPrototypeOf(Array.prototype, null); function f() { return [1, [2]] }',
      ),
    ).toBe('[1,[2]]');
  });

  test('traps of a returned proxy see nothing of the encoder', async () => {
    const program = `function f() { return new Proxy({}, {
      ownKeys() {
        Error.prepareStackTrace = (error, sites) => sites;
        let caller = 'hidden';
        try { caller = typeof arguments.callee.caller } catch { }
        return [typeof new Error('x').stack, caller];
      },
      getOwnPropertyDescriptor() { return { value: 1, enumerable: true, configurable: true } },
    }) }`;
    expect(await output(program)).toBe('{"hidden":1,"string":1}');
  });

  const probe = `function f() {
    return [typeof leak, [].leak === undefined, {}.leak === undefined, Symbol.for('k').leak === undefined,
      Object.isFrozen(Array.prototype), [3, 1].map((x) => x + 1), typeof Map, Math.max(1, 2), new Error('e').message]
  }`;
  const clean = '["undefined",true,true,true,false,[4,2],"function",2,"e"]';
  test.each([
    'globalThis.leak = 1; var leak2 = 2; function f() { return 1 }',
    'Object.prototype.leak = 1; Array.prototype.leak = 1; Array.prototype.map = () => 0; function f() { return 1 }',
    'Object.freeze(Array.prototype); Object.freeze(Object.prototype); function f() { return 1 }',
    'Math.max = () => 9; globalThis.Map = undefined; Error.prototype.message = 1; function f() { return 1 }',
    'function f() { return f() }',
    'function f() { const a = []; for (;;) a.push(new Array(1000).fill(a)) }',
    'function f() { for (;;); }',
    'function f() { return "x".repeat(2 ** 30) }',
    'Promise.prototype.then = () => { for (;;); }; async function f() { await 1; return 2 }',
    'function f() { return 2n ** 100000000n }',
  ])('after %s the next program meets a fresh interpreter', async (program) => {
    await output(program);
    expect(await output(probe)).toBe(clean);
  });
});

describe('determinism', () => {
  test.each([
    'function f() { return Reflect.get(Math, "ran" + "dom")() }',
    'function f() { return Reflect.get(Date, "n" + "ow")() }',
    'function f() { return new (Object.getPrototypeOf(new Date(0)).constructor)().getTime() }',
    'function f() { return Reflect.construct(Date, []).getTime() }',
    'const g = globalThis; function f() { try { g.Math["ran" + "dom"]() } catch { } return 1 }',
  ])('%s is seen however it is reached', async (program) => expect((await environment.execute(program, '')).verdict).toBe('forbidden'));

  test('a fixed date is a pure value, in UTC everywhere', async () => {
    expect(
      await output('function f() { const d = new Date(2020, 5, 1, 12); return [d.getTimezoneOffset(), d.toISOString(), String(d)] }'),
    ).toBe('[0,"2020-06-01T12:00:00.000Z","Mon Jun 01 2020 12:00:00 GMT+0000 (UTC)"]'.replace(' (UTC)', ''));
  });

  test('state kept between two calls fails validation', async () => {
    expect(await environment.validate('let n = 0; function f(x) { return x + n++ }', ['1'])).toMatchObject({
      ok: false,
      verdict: 'nondeterministic',
    });
    expect(await environment.validate('function f(x) { x.push(1); return x }', ['[0]'])).toEqual({
      ok: true,
      pairs: [{ input: '[0]', output: '[0,1]' }],
    });
    expect(await environment.examine('let n = 0; function f(x) { return x + n++ }', '1')).toEqual({ verdict: 'ok', output: '1' });
  });
});

describe('validation', () => {
  test('gives canonical pairs', async () => {
    expect(await environment.validate('function f(a, b) { return { b, a } }', ["1, 'x'", '[ ], null'])).toEqual({
      ok: true,
      pairs: [
        { input: '1,"x"', output: '{"a":1,"b":"x"}' },
        { input: '[],null', output: '{"a":[],"b":null}' },
      ],
    });
  });

  test.each([
    ['function f() { return 1 }', ['1'], 'error', 'no parameter'],
    ['function g(x) { return 1 }', ['1'], 'error', 'no top-level function f'],
    ['function f(x) { return process.pid }', ['1'], 'forbidden', 'process'],
    ['function f(x) { return x }', [], 'unsupported', 'no input'],
    ['function f(x) { return x }', ['1', 'y'], 'unsupported', 'not a list of literals'],
    ['function f(x) { return "x".repeat(x) }', ['1', '6000'], 'unsupported', 'longer than 5000 characters'],
    ['function f(x) { while (x); return 1 }', ['0', '1'], 'timeout', 'fuel'],
    [`function f(x) { return 1 } // ${'x'.repeat(50_000)}`, ['1'], 'unsupported', 'longer than 50000'],
    ['function f(x) { return x }', [`"${'x'.repeat(50_000)}"`], 'unsupported', 'longer than 50000'],
  ])('%s on %j is %s', async (program, inputs, verdict, words) => {
    const validation = await environment.validate(program, inputs);
    expect(validation).toMatchObject({ ok: false, verdict });
    expect(validation.ok ? '' : validation.detail).toContain(words);
  });
});

describe('opening', () => {
  test.each([{ fuel: 0 }, { memoryMb: 1.5 }, { memoryMb: 4_000 }, { stackKb: Number.NaN }, { outputChars: -1 }])(
    '%j is refused by name',
    async (limits) => {
      await expect(openJavascriptEnvironment(limits)).rejects.toThrow(Object.keys(limits)[0]);
    },
  );
  test('the number of workers is checked', async () => {
    await expect(openJavascriptEnvironment({}, { workers: 0 })).rejects.toThrow(/workers/);
  });
});
