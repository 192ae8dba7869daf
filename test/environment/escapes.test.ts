import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';

/** The static scan is off: what holds here is the sandbox itself. */
let environment: SandboxEnvironment;
beforeAll(async () => {
  environment = await openJavascriptEnvironment(
    { fuel: 500, timeoutMs: 10_000, outputChars: 2_000 },
    { workers: 2, rules: { forbidden: 'paper' } },
  );
});
afterAll(() => environment[Symbol.asyncDispose]());

const PROBE = `function f(x) {
  return [x + 1, typeof leak, [].leak === undefined, {}.leak === undefined, JSON.stringify({ a: [1] }), [3, 1].sort().join(),
    Symbol.for('leak').leak === undefined, Object.isFrozen(Object.prototype), typeof Map, String(Math.max(1, 2)), 'ab'.replace(/b/, 'c')]
}`;
const CLEAN = '[2,"undefined",true,true,"{\\"a\\":[1]}","1,3",true,false,"function","2","ac"]';

/** Runs a program and the probe right behind it, which meets the same worker or its successor. */
async function attack(code: string, input = '1'): Promise<{ verdict: string; said: string }> {
  const [execution, ...after] = await Promise.all([
    environment.examine(code, input),
    environment.execute(PROBE, '1'),
    environment.execute(PROBE, '1'),
  ]);
  expect(after).toEqual([
    { verdict: 'ok', output: CLEAN },
    { verdict: 'ok', output: CLEAN },
  ]);
  return { verdict: execution.verdict, said: execution.verdict === 'ok' ? execution.output : execution.detail };
}

/** Names that only the host knows; a program's own words may come back in an error. */
const HOST = /\/proc|\/home|\/usr|node:internal|worker_threads|quickjs-emscripten|\.mjs|\.ts\b|wasm-function/;

describe('walks to the host', () => {
  const names =
    'process require module Buffer fetch WebAssembly Deno Bun std os bjson Worker setTimeout queueMicrotask structuredClone print load read';
  test('no name of a host is defined', async () => {
    const { verdict, said } = await attack(`function f() { return ${JSON.stringify(names.split(' '))}.filter((name) => {
      try { return (0, eval)('typeof ' + name) !== 'undefined' } catch { return false }
    }) }`);
    // A microtask is a promise job, bounded like one.
    expect([verdict, said]).toEqual(['ok', '["queueMicrotask"]']);
  });

  test.each([
    'function f() { return this.constructor.constructor("return process")().pid }',
    'function f() { return [].at.constructor("return this")().process.mainModule.require("child_process").execSync("id") }',
    'function f() { return (async () => {}).constructor("return await import(\\"node:fs\\")")() }',
    'async function f() { return Object.keys(await import("node:fs")) }',
    'async function f() { return Object.keys(await import("file:///etc/passwd")) }',
    'async function f() { return Object.keys(await import("/etc/passwd")) }',
    'async function f() { return Object.keys(await import("data:text/javascript,export default 1")) }',
    'function f() { return (function* () {}).constructor("yield process.pid")().next().value }',
    'function f() { return Function.prototype.constructor.call(null, "return globalThis.process.env")() }',
    'function f() { return Reflect.construct(Function, ["return require"], class { })() }',
    'function f() { return new Proxy(Function, {}).constructor("return process")() }',
    'function f() { const e = new Error(); e.name = { toString() { throw process } }; throw e }',
    'function f() { return f.caller.constructor("return process")() }',
    'function f() { return arguments.callee.caller.arguments[0] }',
    'function f() { Error.stackTraceLimit = Infinity; throw new Error("x") }',
    'import fs from "fs"; function f() { return fs }',
    'export function f() { return import.meta.url }',
    'with (globalThis) { var f = () => process.pid }',
    'label: for (;;) { continue label } function f() { }',
    'function f() { const e = new Error(); e.name = Symbol(); try { return e.stack.x.y } catch (wrong) { return wrong.constructor.constructor("return process")().pid } }',
    'function f() { class P extends Promise { static get [Symbol.species]() { return function (run) { run((x) => x, (e) => { globalThis.caught = e.constructor.constructor("return process") }) } } } P.reject(1).then(); return caught().pid }',
    'function f() { const a = []; a.constructor = { [Symbol.species]: function () { return globalThis } }; return a.map(() => 1).process.pid }',
    'function f() { throw new Proxy({}, { getPrototypeOf() { throw (x) => x.constructor.constructor("return process")() } }) }',
    'function f() { return new Proxy(class A { }, { construct() { return () => Object.getPrototypeOf(this).constructor.constructor("return process")() } }) }',
    'function f() { return { [Symbol.for("nodejs.util.inspect.custom")](depth, options, inspect) { return inspect.constructor("return process")().pid } } }',
    'TypeError.prototype.reach = (g) => g.constructor("return process")(); function f() { try { null.x } catch (e) { return e.reach(() => 0).mainModule.require("fs") } }',
    'Error.prepareStackTrace = (e, sites) => sites[0].getThis().process.mainModule; function f() { return new Error().stack.require("fs") }',
    'function f() { return new ShadowRealm().evaluate("process") }',
  ])('%s ends in no output', async (program) => {
    const { verdict, said } = await attack(program);
    expect(verdict).toMatch(/^(error|unsupported|forbidden|timeout)$/);
    expect(said).not.toMatch(HOST);
  });

  test('stacks and source texts name nothing of the host', async () => {
    const { said } = await attack(`function f() {
      const texts = [];
      for (const wrong of [() => null.x, () => f(), () => JSON.parse('{'), () => new RegExp('('), () => BigInt(1.5)])
        try { wrong() } catch (error) { texts.push(String(error.stack), String(error.fileName), Object.getOwnPropertyNames(error).join()) }
      Error.prepareStackTrace = (error, sites) => { texts.push('sites ' + sites.length); return sites };
      texts.push(typeof new Error('x').stack, Function.prototype.toString.call(Math.random), Math.random + '');
      return texts.join('|').slice(0, 1500);
    }`);
    expect(said).not.toMatch(HOST);
    expect(said).not.toMatch(/encoder|draw/);
  });
});

describe('results that bite', () => {
  test.each([
    ['function f() { return { get a() { return 1 } } }', 'unsupported'],
    ['function f() { return { then(resolve) { resolve(7) } } }', 'unsupported'],
    ['async function f() { return { then(resolve) { resolve(7) } } }', 'ok'],
    ['async function f() { return { then() { for (;;); } } }', 'timeout'],
    ['function f() { return { [Symbol.toPrimitive]() { for (;;); } } }', 'unsupported'],
    ['function f() { return { toJSON() { return "forged" }, a: 1 } }', 'unsupported'],
    ['function f() { return new Proxy([], { get() { for (;;); } }) }', 'ok'],
    ['function f() { return new Proxy([], { getOwnPropertyDescriptor() { for (;;); } }) }', 'timeout'],
    ['function f() { return new Proxy({}, { getPrototypeOf() { for (;;); } }) }', 'timeout'],
    ['function f() { return new Proxy({}, { getPrototypeOf() { throw 1 } }) }', 'error'],
    ['function f() { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy }', 'error'],
    ['function f() { return Object.create(Array.prototype) }', 'unsupported'],
    ['function f() { return Object.setPrototypeOf([], null) }', 'unsupported'],
    ['function f() { const m = new Map(); m.set(m, m); return m }', 'unsupported'],
    ['function f() { const m = new Map([[1, 2]]); m.forEach = () => { for (;;); }; m[Symbol.iterator] = null; return m }', 'ok'],
    [
      'Map.prototype.forEach = Set.prototype.forEach = () => { for (;;); }; function f() { return [new Map([[1, 2]]), new Set([3])] }',
      'ok',
    ],
    ['Object.defineProperty(Map.prototype, "size", { get() { return 99 } }); function f() { return new Map([[1, 2]]) }', 'ok'],
    ['function f() { const d = new Date(5); d.getTime = d.valueOf = () => 9; return d }', 'ok'],
    ['function f() { return document }', 'error'],
    ['function f() { return new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })) }', 'ok'],
    ['function f() { const b = new ArrayBuffer(8); const v = new Uint8Array(b); b.transfer?.(); return v }', 'ok'],
    ['function f() { const a = [1, 2, 3]; a[1] = { get 0() { a.length = 0; return 1 } }; return a }', 'unsupported'],
    ['function f() { return Array.from({ length: 100001 }, () => 0) }', 'unsupported'],
    ['function f() { return "\\ud800" }', 'ok'],
    ['function f() { throw { toString() { for (;;); } } }', 'error'],
    ['function f() { throw new Proxy({}, { get() { for (;;); } }) }', 'timeout'],
    ['function f() { throw Object.create(null) }', 'error'],
    ['function f() { throw undefined }', 'error'],
    ['async function f() { throw new Proxy({}, { get() { throw 1 } }) }', 'error'],
  ])('%s is %s', async (program, verdict) => expect(await attack(program)).toMatchObject({ verdict }));
});

describe('patches', () => {
  const results = '({ a: [x, "b"], m: new Map([[1, new Set([2])]]) })';
  test.each([
    'JSON.stringify = JSON.parse = () => "forged"',
    'Object.prototype.toJSON = Array.prototype.toJSON = () => "forged"',
    'const all = [Array, Object, String, Map, Set, Function, Number]; const { ownKeys } = Reflect; for (let i = 0; i < all.length; i++) { const p = all[i].prototype, keys = ownKeys(p); for (let j = 0; j < keys.length; j++) try { p[keys[j]] = () => "forged" } catch { } }',
    'for (const k of Reflect.ownKeys(Reflect)) Reflect[k] = () => ["forged"]',
    'Object.defineProperty(Object.prototype, "value", { value: "forged" }); Object.prototype.enumerable = true',
    'for (const k of ["get", "set", "value", "writable", "0", "length"]) Object.defineProperty(Object.prototype, k, { __proto__: null, set() { }, get() { return undefined }, configurable: true })',
    'Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { return "forged" } }))',
    'Array.prototype[Symbol.iterator] = function* () { yield "forged" }; Array.prototype[0] = "forged"',
    'Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(globalThis)',
    'globalThis.leak = Symbol.for("leak"); Object.prototype.leak = Array.prototype.leak = 1; "".__proto__.leak = 1',
    'delete globalThis.Map; delete globalThis.JSON; delete globalThis.Object; delete globalThis.undefined',
    'Promise.prototype.then = () => { for (;;); }; Promise.resolve = () => "forged"',
    'Symbol.prototype[Symbol.toPrimitive] = () => "forged"; RegExp.prototype.exec = () => ["forged"]',
  ])('%s changes no output', async (patch) => {
    const { verdict, said } = await attack(`const make = (x) => ${results}; const value = make(1); ${patch}; const f = () => value`);
    expect([verdict, said]).toEqual(['ok', '{"a":[1,"b"],"m":Map{1=>Set{2}}}']);
  });
});

describe('floods', () => {
  test.each([
    ['function f() { const a = []; for (;;) a.push(new ArrayBuffer(1e6)) }', /memory/],
    ['function f() { return new ArrayBuffer(2 ** 40) }', /memory|error/],
    ['function f() { return new Uint8Array(2 ** 31) }', /memory|error/],
    ['function f() { return "x".repeat(2 ** 29) + "y".repeat(2 ** 29) }', /memory|error/],
    ['function f() { let s = "x"; for (;;) s = [s, s].join(s) }', /memory|error/],
    ['function f() { return new Array(2 ** 32 - 1).fill(0).map(() => 1) }', /memory|timeout/],
    ['function f() { return [...Array(2 ** 32 - 1).keys()].length }', /memory|timeout/],
    ['function f() { let o = {}; for (let i = 0; ; i++) o["k" + i] = i }', /memory|timeout/],
    ['function f() { const m = new WeakMap(); for (;;) m.set({}, new Array(1000)) }', /memory|timeout/],
    ['function f() { const s = Symbol; const a = []; for (let i = 0; ; i++) a.push(s.for("k" + i)) }', /memory|timeout/],
    ['function f() { let p = Promise.resolve(); for (;;) p = p.then(() => 1) }', /memory|timeout/],
    ['function f() { const g = () => Promise.resolve().then(g); g(); return 1 }', /timeout|memory/],
    ['async function f() { for (;;) await null }', /timeout|memory/],
    ['async function* g() { for (;;) yield 1 } async function f() { for await (const x of g()); }', /timeout|memory/],
    ['function f() { return 10n ** (10n ** 10n) }', /memory|error/],
    ['function f() { let x = 3n; for (;;) x *= x }', /memory|timeout/],
    ['function f() { return (2 ** 53).toString(2).padStart(2 ** 30, "0") }', /memory|error/],
    ['function f() { return /(x+x+)+y/.test("x".repeat(40)) }', /timeout/],
    ['function f() { return /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(60)) }', /timeout/],
    ['function f() { return "a".repeat(100000).replace(/a*?$/gu, (s) => s + s) }', /timeout|memory|unsupported/],
    ['function f() { return new RegExp("(?:" + "a?".repeat(40) + ")" + "a".repeat(40)).test("a".repeat(40)) }', /timeout|ok/],
    ['function f() { return new RegExp("(".repeat(100000)) }', /error|memory/],
    ['function f() { return JSON.parse("[".repeat(1e6)) }', /error|memory/],
    ['function f() { return eval("(".repeat(1e6)) }', /error|memory/],
    ['function f() { return eval("x=>".repeat(1e5) + "1") }', /error|memory|unsupported/],
    ['function f() { return new Function("a".repeat(1e5), "return " + "1+".repeat(1e5) + "1")() }', /error|memory|ok/],
    ['function f() { const g = () => { try { g() } finally { g() } }; g() }', /timeout|error/],
    ['function f() { const o = { get a() { return this.a } }; return o.a }', /error/],
    ['function f() { const p = new Proxy({}, {}); Object.setPrototypeOf(p, p) }', /error|ok/],
    ['function f() { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x }', /error|memory/],
    ['function f() { let g = () => 1; for (let i = 0; i < 1e5; i++) g = g.bind(null); return g() }', /error|memory|ok/],
    ['function f() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a.flat(Infinity).length }', /error|memory|ok/],
    ['function f() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a) }', /error|memory/],
    ['function f() { return [3, 2, 1].sort(() => { for (;;); }) }', /timeout/],
    ['function f() { try { for (;;); } catch { } finally { for (;;); } }', /timeout/],
    ['function f() { for (;;) try { f() } catch { } }', /timeout|error/],
    ['class A { static { for (;;); } } function f() { }', /timeout/],
    ['function f(x = (() => { for (;;); })()) { }', /ok|timeout/],
    ['const f = new Proxy(() => 1, { apply() { for (;;); } })', /timeout/],
    ['Object.defineProperty(globalThis, "f", { get() { for (;;); } })', /timeout|error/],
  ])('%s', async (program, verdicts) => expect((await attack(program)).verdict).toMatch(verdicts));
});

describe('what engines run in threads and later', () => {
  test.each([
    [
      'function f() { return typeof SharedArrayBuffer + typeof Atomics + typeof WeakRef + typeof FinalizationRegistry }',
      '"undefinedundefinedundefinedundefined"',
    ],
    ['function f() { return [typeof performance, typeof gc, typeof navigator, typeof Intl] }', undefined],
    [
      'function f() { return Object.getOwnPropertyNames(globalThis).filter((k) => /^(std|os|bjson|print|console|gc|__)/.test(k)) }',
      '["console"]',
    ],
    [
      'function* g() { try { yield 1 } finally { yield 2 } } function f() { const i = g(); i.next(); return [i.return(5).value, i.next().value] }',
      '[2,5]',
    ],
    ['async function f() { const out = []; for await (const x of [Promise.resolve(1), 2]) out.push(x); return out }', '[1,2]'],
    ['function f() { return Promise.all([1, Promise.resolve(2)]).then((x) => x.length) }', '2'],
    ['function f() { return Reflect.ownKeys(new Proxy({ a: 1 }, { ownKeys: () => ["a", Symbol.iterator] })).length }', '2'],
    ['a: { b: { break a } } function f() { c: for (const i of [1, 2]) { for (;;) continue c } return "x" }', '"x"'],
    ['function f() { return eval("1+1") + (0, eval)("2") + new Function("return 3")() }', '7'],
  ])('%s', async (program, output) => {
    const { verdict, said } = await attack(program);
    expect(verdict).toBe('ok');
    if (output !== undefined) expect(said).toBe(output);
  });
});

test('files and processes of the host are as before', async () => {
  const seen = (): unknown => [
    existsSync('/proc/self/task') ? '' : '',
    readdirSync(process.cwd()).sort(),
    readdirSync(tmpdir()).filter((name) => /pwn/i.test(name)),
  ];
  const before = seen();
  const password = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '';
  await attack('function f() { return require("fs").writeFileSync("pwned", "x") }');
  await attack('async function f() { (await import("node:fs")).writeFileSync("/tmp/pwned", "x") }');
  expect(seen()).toEqual(before);
  expect(existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '').toBe(password);
});
