import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { escaped } from './jails.ts';
import type { Jail } from './jails.ts';

/**
 * Ways out of JavaScript sandboxes that have been published, by class and in our own words: the body of `f`, and the verdict with
 * the output that shows that it came to nothing. The static scan is off.
 */
const JAILS: Readonly<Record<string, readonly Jail[]>> = {
  'constructors of constructors': [
    ['return ({}).constructor.constructor("return typeof process + typeof require")()', 'ok', '"undefinedundefined"'],
    ['return (function* () {}).constructor("return typeof process")().next().value', 'ok', '"undefined"'],
    ['return (async () => {}).constructor("return typeof process")()', 'ok', '"undefined"'],
    ['return (async function* () {}).constructor("yield typeof process")().next().then((step) => step.value)', 'ok', '"undefined"'],
    ['return Reflect.construct(Function, ["return typeof globalThis.process"])()', 'ok', '"undefined"'],
    ['return Object.getPrototypeOf(f).constructor.apply(null, ["return typeof module"])()', 'ok', '"undefined"'],
    ['class A extends Function { constructor() { super("return typeof process") } } return new A()()', 'ok', '"undefined"'],
    ['return [..."x"].reduce.constructor`return typeof process```', 'ok', '"undefined"'],
    ['return Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())).constructor === Object || true', 'ok', 'true'],
  ],
  'names in disguise': [
    ['return typeof \\u0070rocess', 'ok', '"undefined"'],
    ['return typeof \\u{70}rocess + typeof req\\u0075ire', 'ok', '"undefinedundefined"'],
    ['return \\u0065val("typeof process")', 'ok', '"undefined"'],
    ['return globalThis["ev" + "al"]("typeof process")', 'ok', '"undefined"'],
    ['return (0, eval)("th" + "is")["proc" + "ess"] === undefined', 'ok', 'true'],
    ['return new Function("return typeof pro" + "cess")()', 'ok', '"undefined"'],
    ['return globalThis[atob === undefined ? 1 : atob("cHJvY2Vzcw==")] === undefined', 'error|ok'],
    ['with (globalThis) { return typeof process }', 'ok', '"undefined"'],
    ['labelled: { return eval("labelled: for (;;) break labelled; typeof fetch") }', 'ok', '"undefined"'],
  ],
  modules: [
    ['return import("node:child_process").then((m) => m.execSync("id").toString())', 'error|forbidden'],
    ['return eval("import(\'os\')").then((m) => Object.keys(m))', 'error|forbidden'],
    ['return new Function("return import(\'std\')")().then((m) => m.loadFile("/etc/passwd"))', 'error|forbidden'],
    ['return import("./program.js")', 'error|forbidden|unsupported'],
    ['return import({ toString() { return "node:fs" } })', 'error|forbidden'],
    ['return import("", { with: { type: "json" } })', 'error|forbidden'],
  ],
  'call sites and stacks': [
    ['Error.prepareStackTrace = (e, sites) => sites; return typeof new Error().stack', 'ok', '"string"'],
    [
      'Error.prepareStackTrace = (e, sites) => sites.map((s) => typeof s.getThis?.()).join(); return /process|object/.test(new Error().stack)',
      'ok|error',
      'false',
    ],
    ['Error.stackTraceLimit = { valueOf() { for (;;); } }; return typeof new Error().stack', 'ok|error|timeout'],
    ['const e = {}; Error.captureStackTrace?.(e, f); return /node:|worker|keeper|\\.ts/.test(String(e.stack))', 'ok', 'false'],
    ['return arguments.callee.caller === null || arguments.callee.caller === undefined', 'ok|error', 'true'],
    ['"use strict"; return arguments.callee', 'error'],
    ['try { null.x } catch (e) { return e.constructor.constructor("return typeof process")() }', 'ok', '"undefined"'],
    [
      'const deep = () => deep(); try { deep() } catch (e) { return e.constructor.constructor("return typeof process")() }',
      'ok',
      '"undefined"',
    ],
    ['try { new WebAssembly.Memory({ initial: 1e9 }) } catch (e) { return e.constructor === ReferenceError }', 'ok', 'true'],
    ['throw { get name() { return this.constructor.constructor("return process")().pid }, message: "x" }', 'error'],
  ],
  'proxies and traps': [
    [
      'return new Proxy({}, { ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })',
      'ok|unsupported',
    ],
    ['return new Proxy({}, { getPrototypeOf: () => Array.prototype })', 'unsupported'],
    ['return new Proxy(() => 1, { apply: (t, self) => self === undefined ? 1 : self.process })', 'unsupported'],
    ['const p = new Proxy([], { get: (t, k, r) => k === "length" ? Infinity : 1 }); return p', 'ok|unsupported|error'],
    [
      'let n = 0; return new Proxy({}, { ownKeys: () => n++ > 3 ? [] : ["k" + n], getOwnPropertyDescriptor: () => ({ get() { for (;;); }, enumerable: true, configurable: true }) })',
      'unsupported|ok',
    ],
    ['Reflect.ownKeys = Object.keys = () => ["forged"]; return { a: 1 }', 'ok', '{"a":1}'],
    [
      'const seen = []; const spy = new Proxy(function () {}, { get: (t, k) => { seen.push(String(k)); return t[k] }, has: () => true }); try { with (spy) { process } } catch {} return seen.length < 9',
      'ok',
      'true',
    ],
    ['Object.setPrototypeOf(globalThis, new Proxy({}, { get() { return "forged" }, has: () => true })); return [1]', 'ok|error', '[1]'],
  ],
  'results that lie': [
    ['return { toJSON() { return "forged" } }', 'unsupported'],
    ['return { toString() { return "7" }, valueOf() { return 7 } }', 'unsupported'],
    ['return { [Symbol.toPrimitive]() { return 7 } }', 'ok|unsupported'],
    ['return { get x() { return globalThis.process } }', 'unsupported'],
    ['return Object.defineProperty([1], 0, { get: () => 2 })', 'unsupported'],
    ['return new (class extends Array {})(3)', 'unsupported'],
    ['return Object.assign([1], { length: 1, then: 1 })', 'ok', '[1]'],
    ['return { __proto__: null, a: 1 }', 'ok|unsupported'],
    ['return JSON.parse(\'{"__proto__": 1}\')', 'ok', '{"__proto__":1}'],
    ['return new String("7")', 'unsupported'],
    ['return Object(7n)', 'unsupported'],
    ['return Promise.resolve({ then(resolve) { resolve("late") } })', 'ok', '"late"'],
    ['return { then(resolve) { resolve(globalThis) } }', 'unsupported'],
    ['let n = 0; const t = { then(r) { n++ < 1e5 ? r(t) : r(1) } }; return Promise.resolve(t)', 'timeout|ok|error'],
    ['return Object.create({ inherited: 1 })', 'unsupported'],
  ],
  'the harness poisoned': [
    ['for (const k of ["push", "join", "map", "slice", "sort"]) Array.prototype[k] = () => { throw 1 }; return [1, "a"]', 'ok', '[1,"a"]'],
    ['Object.defineProperty(Object.prototype, "then", { get() { for (;;); } }); return [1]', 'timeout|ok|error'],
    ['Object.defineProperty(Object.prototype, "0", { set(v) { globalThis.caught = v } }); return [1, 2]', 'ok', '[1,2]'],
    ['Object.prototype.get = Object.prototype.set = () => 9; return { a: [1] }', 'ok', '{"a":[1]}'],
    ['Array.prototype[Symbol.iterator] = null; String.prototype[Symbol.iterator] = null; return ["ab"]', 'ok', '["ab"]'],
    ['JSON.stringify = () => "forged"; globalThis.JSON = null; return { a: "b" }', 'ok', '{"a":"b"}'],
    ['Number.prototype.toString = BigInt.prototype.toString = () => "9"; globalThis.String = () => "9"; return [1, 2n]', 'ok', '[1,2n]'],
    [
      'Map.prototype.entries = Map.prototype[Symbol.iterator] = () => [][Symbol.iterator](); return new Map([[1, 2]])',
      'ok|error',
      'Map{1=>2}',
    ],
    ['Date.prototype.getTime = Date.prototype.valueOf = () => 9; return new Date(5)', 'ok', 'Date(5)'],
    ['Function.prototype.call = Function.prototype.apply = () => "forged"; Reflect.apply = () => "forged"; return "true"', 'ok', '"true"'],
    ['globalThis.undefined = 1; globalThis.NaN = 1; return [undefined, NaN]', 'ok', '[undefined,NaN]'],
    ['Symbol.for("kelvin").constructor.prototype.x = 1; Object.freeze(Symbol.prototype); return 1', 'ok', '1'],
    ['Error.prototype.toString = () => { for (;;); }; throw new TypeError("x")', 'error'],
    ['Object.defineProperty(Error.prototype, "message", { get() { for (;;); } }); throw new Error()', 'timeout|error'],
  ],
  'what lives on': [
    ['new FinalizationRegistry(() => 1)', 'error'],
    ['return new WeakRef({}).deref()', 'error'],
    ['return Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0, 60000)', 'error'],
    ['return setTimeout(() => { for (;;); }, 0)', 'error'],
    ['queueMicrotask(() => { for (;;); }); return 1', 'timeout'],
    ['Promise.resolve().then(function again() { return Promise.resolve().then(again) }); return 1', 'timeout|memory'],
    ['new Promise(() => { throw new Error("unhandled") }); return 1', 'ok|error'],
    [
      '(async () => { for await (const x of { [Symbol.asyncIterator]: () => ({ next: () => ({ value: 1, done: false }) }) }); })(); return 1',
      'timeout|memory',
    ],
    ['globalThis.leak = 1; Array.prototype.leak = 1; Symbol.for("leak").leak; return 1', 'ok', '1'],
  ],
  'native code driven mad': [
    ['const a = [5, 4, 3, 2, 1]; a.sort((x, y) => { a.length = 0; return x - y }); return a.length <= 5', 'ok', 'true'],
    ['const a = [1, 2, 3]; return a.map((v, i) => { a.pop(); return v }).length', 'ok', '3'],
    ['const a = new Uint8Array(8); a.sort(() => { a.buffer.transfer?.(); return 1 }); return 1', 'ok|error'],
    [
      'const b = new ArrayBuffer(8, { maxByteLength: 64 }); const v = new Uint8Array(b); b.resize?.(0); v.fill(7); b.resize?.(64); return v.length',
      'ok',
    ],
    ['const v = new Uint8Array(4); v.set({ length: { valueOf() { v.buffer.transfer?.(); return 4 } }, 0: 1 }); return 1', 'ok|error'],
    ['return "x".padEnd({ valueOf() { return 2 ** 31 } }).length', 'memory|error'],
    ['const r = /a/y; r.lastIndex = { valueOf() { r.compile?.("b".repeat(1e4)); return 0 } }; return r.test("a")', 'ok|error'],
    ['return "aaa".replace(/a/g, { toString() { for (;;); } })', 'timeout'],
    ['return new Array(3).fill().map((_, i, all) => (all.length = 2 ** 32 - 1)).length', 'ok', '3'],
    ['return [].concat.call({ length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true }, [1]).length', 'error|timeout|memory'],
    ['return Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 2 ** 52).length', 'error|timeout|memory'],
    ['let s = "(".repeat(2e4) + ")".repeat(2e4); return new RegExp(s).test("")', 'error|memory|ok'],
    ['return eval("[".repeat(5e4) + "]".repeat(5e4)).length', 'error|memory'],
    ['let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return JSON.stringify(o).length', 'error|memory|timeout'],
    ['return structuredClone({})', 'error'],
    ['const m = new Map(); for (const [k] of m.set(0, 0)) m.delete(k), m.set(k + 1, 0); return 1', 'timeout'],
    ['const a = new Uint8Array(2e7); for (;;) a.fill(7)', 'timeout'],
    ['const a = new Uint8Array(2e7); for (;;) a.copyWithin(1, 0)', 'timeout'],
    ['for (;;) new ArrayBuffer(2e7)', 'timeout|memory'],
    ['return 2n ** (2n ** 62n) > 1n', 'memory|error'],
  ],
  'a clock, chance or a place': [
    ['return new Date().getTime()', 'forbidden'],
    ['return Date().length', 'forbidden'],
    ['return Reflect.construct(Date, []).valueOf()', 'forbidden'],
    ['return new Date(2020, 0, 1).toString()', 'ok', '"Wed Jan 01 2020 00:00:00 GMT+0000"'],
    ['return new Date(2020, 6, 1).getTimezoneOffset()', 'ok', '0'],
    ['return (1234567.5).toLocaleString()', 'ok', '"1234567.5"'],
    ['return typeof Intl + typeof performance + typeof navigator', 'ok', '"undefinedundefinedundefined"'],
    ['return Math["ran" + "dom"]()', 'forbidden|nondeterministic'],
    ['return [1, 2, 3].sort(() => Math["random"]() - 0.5)', 'forbidden|nondeterministic|ok'],
    ['return crypto.getRandomValues(new Uint8Array(4))', 'error'],
    ['const d = Date; class E extends d { constructor() { super() } } return +new E()', 'forbidden'],
    ['return Object.getPrototypeOf(async function () {}).constructor("return Date.now()")()', 'forbidden'],
  ],
};

const PROBE = `function f(x) {
  return [x + 1, typeof leak, [].leak === undefined, {}.leak === undefined, JSON.stringify({ a: [1] }), [3, 1].sort().join(), Object.isFrozen(Symbol.prototype),
    typeof globalThis.caught, Object.keys(Object.prototype).length, String(1n), [...'ab'].length]
}`;
const CLEAN = '[2,"undefined",true,true,"{\\"a\\":[1]}","1,3",false,"undefined",0,"1",2]';
/** What only the host knows. */
const HOST = /\/proc|\/home|\/usr|node:internal|worker_threads|quickjs-emscripten|keeper|\.mjs|wasm-function/;

let environment: SandboxEnvironment;
beforeAll(async () => {
  environment = await openJavascriptEnvironment({ fuel: 500, outputChars: 2_000 }, { workers: 1, rules: { forbidden: 'paper' } });
});
afterAll(() => environment[Symbol.asyncDispose]());

describe('a way out of a JavaScript jail', () => {
  test.each(Object.entries(JAILS))('leads nowhere, and the next program starts afresh: %s', { timeout: 180_000 }, async (_, jails) => {
    expect(
      await escaped(jails, { environment, programOf: (body) => `function f() { ${body} }`, probe: PROBE, clean: CLEAN, host: HOST }),
    ).toEqual([]);
  });

  test('ends by fuel where it does not end by itself: no worker is lost', async () => {
    const loops = ['a.fill(7)', 'a.slice()', 'a.set(a)', 'a.copyWithin(1, 0)', 'new ArrayBuffer(2e7)', 'a.indexOf(3)'];
    const verdicts = await Promise.all(
      loops.map((loop) => environment.execute(`function f() { const a = new Uint8Array(1e7); for (;;) ${loop} }`, '')),
    );
    expect(verdicts).toEqual(loops.map(() => ({ verdict: 'timeout', detail: 'The program did not end within 500 units of fuel.' })));
    expect(environment.stats()).toMatchObject({ kills: 0, reruns: 0 });
  });

  test('leaves files and processes of the host as they were', async () => {
    const look = (): unknown => [readdirSync('.').sort(), readdirSync('/').sort()];
    const before = look();
    const names = ['require("fs")', 'process.binding("fs")', 'globalThis.std', 'globalThis.os', '(await import("node:fs"))'];
    await Promise.all(names.map((name) => environment.examine(`async function f() { ${name}.writeFileSync("pwned", "x") }`, '')));
    expect(look()).toEqual(before);
  });
});
