/** JavaScript expressions by area of ECMAScript 2023; each begins after four blanks, and lines indented further belong to it. */
export const CODE_SAMPLES: Readonly<Record<string, string>> = {
  'functions and scopes': `
    ((a, b = a + 1, ...c) => [a, b, c])(1, undefined, 3, 4)
    (function () { return arguments.length })(1, 2, 3)
    (function (a) { arguments[0] = 9; return a })(1)
    (function (a) { 'use strict'; arguments[0] = 9; return a })(1)
    ((a, b) => 1).length + ((a, b = 1) => 1).length
    (function named() { return typeof named })()
    (() => { return typeof hoisted; function hoisted() {} })()
    (() => { return typeof later; var later = 1 })()
    (() => { try { return early; let early = 1 } catch (e) { return e.name } })()
    (() => { var a = []; for (var i = 0; i < 3; i++) a.push(() => i); return a.map((g) => g()) })()
    (() => { var a = []; for (let i = 0; i < 3; i++) a.push(() => i); return a.map((g) => g()) })()
    (() => { try { return 1 } finally { return 2 } })()
    (() => { for (const x of [1, 2]) { try { continue } finally { if (x === 2) return 'f' } } })()
    (() => { outer: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) if (j === 1) continue outer; else if (i === 2) break outer; return 'done' })()
    (() => { switch (3) { case 1: return 1; default: case 2: return 'd' } })()
    (() => { let s = ''; for (const k in { b: 1, a: 2, 1: 3 }) s += k; return s })()
    (() => { let x = 1; { let x = 2 } return x })()
    (() => { const c = 1; c = 2 })()
    (function () { return this === undefined })()
    (function () { 'use strict'; return this === undefined })()
    (() => { let n = 0; const o = { get a() { return ++n } }; o.a; o.a; return n })()
    (function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) })(15)
    Math.max.apply(null, [1, 3, 2])
    (function () { return [].slice.call(arguments, 1) })(1, 2, 3)
    ((...a) => a.length).bind(null, 1, 2)(3)
    new Function('a', 'b', 'return a * b')(6, 7)
    eval('1; if (true) { 5 }')
    (0, eval)('typeof module')
    ((x) => ({ x }))(1)
    (() => {})()
    (a => b => c => a + b + c)(1)(2)(3)
    ((x, y = () => x) => { var x = 2; return y() })(1)
    (() => { var { length } = 'abc'; return length })()
    [1, 2, 3].map(parseInt)
    (() => { let a = 1, b = 2; [a, b] = [b, a]; return [a, b] })()
    (() => { do { var i = (i || 0) + 1 } while (i < 5); return i })()
    (() => { if (true) { function g() { return 1 } } return g() })()
    (1, 2, 3)
    !!document`,
  classes: `
    (() => { class A { #x = 1; get x() { return this.#x } static #n = 5; static n() { return A.#n } } return [new A().x, A.n()] })()
    (() => { class A { static { this.z = 3 } } return A.z })()
    (() => { class A { constructor() { this.n = new.target.name } } class B extends A {} return new B().n })()
    (() => { class A { m() { return 'a' } } class B extends A { m() { return super.m() + 'b' } } return new B().m() })()
    (() => { class A {} A() })()
    (() => { class A { #p; static has(o) { return #p in o } } return [A.has(new A()), A.has({})] })()
    (() => { class E extends Error { name = 'E' } try { throw new E('m') } catch (e) { return [e.name, e.message, e instanceof Error, String(e)] } })()
    (() => { class A { 'a b' = 1; 2 = 3; ['c' + 'd'] = 4 } return new A() })()
    (() => { class A { static async *g() {} } return Object.prototype.toString.call(A.g()) })()
    (() => { class A { get v() { return 1 } set v(x) {} } return Object.keys(new A()).length })()
    (() => { class A extends Array {} const a = new A(1, 2, 3); return [a.length, a.map((x) => x) instanceof A] })()
    (() => { class A extends null {} new A() })()
    (() => { const o = { m() { return super.toString === Object.prototype.toString } }; return o.m() })()
    (() => { class A { a = this.b; b = 1 } return new A() })()
    typeof class {}
    (class Named {}).name + (() => { const x = class {}; return x.name })()
    (() => { let log = []; class A { [(log.push(1), 'x')] = log.push(2) } new A(); return log })()
    new Error('a', { cause: 5 }).cause
    new AggregateError([1, 2], 'm').errors
    (() => { try { null.x } catch ({ name }) { return name } })()
    (() => { try { undefinedName } catch (e) { return e.constructor === ReferenceError } })()
    (() => { function A() { return { own: 1 } } return new A() })()
    (() => { function A() { this.a = 1; return 5 } return new A().a })()`,
  'iterators and generators': `
    [...(function* () { const x = yield 1; yield x })()]
    (() => { const g = (function* () { const x = yield 1; return x * 2 })(); g.next(); return g.next(21) })()
    [...(function* () { yield* [1, 2]; yield* 'ab' })()]
    (() => { const g = (function* () { try { yield 1 } finally { yield 'f' } })(); g.next(); return [g.return(9), g.next()] })()
    (() => { const g = (function* () { try { yield 1 } catch (e) { yield e + '!' } })(); g.next(); return g.throw('x').value })()
    (() => { const o = { *[Symbol.iterator]() { yield 1; yield 2 } }; return [...o, ...o] })()
    (() => { let closed = false; const it = { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return: () => ((closed = true), {}) }) }; for (const x of it) break; return closed })()
    (() => { const [a] = new Map([[1, 2]]); return a })()
    new Map([[NaN, 1]]).get(NaN)
    new Map([[0, 'z']]).get(-0)
    [...new Set([1, 1, '1', NaN, NaN])].length
    [...new Map([[1, 2]]).entries()]
    (() => { const m = new Map([[1, 1]]); let n = 0; for (const [k] of m) { if (n++ < 3) { m.delete(k); m.set(k + 1, 1) } } return n })()
    (() => { const s = new Set([1, 2, 3]); s.delete(2); s.add(2); return [...s] })()
    new Set('hello').size
    new WeakMap([[{}, 1]]) instanceof WeakMap
    Object.fromEntries(new Map([['a', 1]]))
    Array.from(new Set([3, 1]), (v) => v * 2)
    Symbol('d').description
    Symbol.for('a') === Symbol.for('a')
    Symbol() + ''
    (() => { const p = new Proxy({}, { get: (t, k) => k.toString() + '!' }); return p.foo })()
    (() => { const log = []; const p = new Proxy({}, { set(t, k, v) { log.push(k); t[k] = v * 2; return true }, has: () => true, deleteProperty: (t, k) => log.push('-' + k) > 0 }); p.a = 1; delete p.a; return [log, 'zz' in p] })()
    Reflect.apply(Math.max, null, [1, 2])
    Reflect.has({ a: 1 }, 'a')
    (() => { const p = new Proxy(function () {}, { construct: (t, a) => ({ a }) }); return new p(1, 2) })()`,
  'typed arrays and dates': `
    [...new Uint8Array([256, -1, 1.9])]
    [...new Uint8ClampedArray([256, -1, 1.5, 2.5])]
    new Float32Array([0.1])[0]
    new Int16Array(new Uint8Array([1, 2, 3, 4]).buffer).length
    [...new Uint8Array([3, 1, 2]).toSorted()]
    new DataView(new Uint8Array([1, 2, 3, 4]).buffer).getInt32(0, true)
    new BigInt64Array([2n ** 63n])[0]
    new Uint8Array(4).subarray(1, 3).byteOffset
    new Uint8Array([1, 2, 3]).at(-1)
    new Uint16Array(new ArrayBuffer(3)).length
    [...new Float64Array([3, NaN, -0, 0]).sort()].map((v) => (Object.is(v, -0) ? '-0' : v + ''))
    new ArrayBuffer(8).slice(2, 5).byteLength
    new Uint8Array([1, 2]).join('-')
    new Date(2020, 1, 30).toISOString()
    new Date('2020-01-01').getTime()
    new Date('2020-01-01T00:00').getTime()
    new Date(NaN).getTime()
    new Date(NaN).toISOString()
    new Date(8.64e15 + 1).getTime()
    new Date(0).toJSON()
    Date.UTC(2020, 11, 31, 23, 59, 59, 999)
    new Date(2020, 0, 31).setMonth(1)
    new Date(99, 0).getFullYear()
    new Date(0).getDay()
    new Date('Thu, 01 Jan 1970 00:00:00 GMT').valueOf()
    new Date(2019, 12, 1).getMonth()
    Date.parse('2020-02-30T00:00:00Z')
    new Date(1e12).toUTCString()
    typeof (new Date(0) - 1)
    typeof (new Date(0) + 1)`,
  'coercions and syntax': `
    null == 0
    null >= 0
    undefined == null
    '' == 0
    '0' == false
    [2] > 1
    'b' + 'a' + +'a' + 'a'
    typeof undeclared
    typeof typeof 1
    !!NaN + !!'0'
    +[] + +{}
    [1, 2] + [3]
    {} + 1
    1 < 2 < 3
    3 > 2 > 1
    '2' + 1 - 1
    true == 'true'
    new Boolean(false) ? 1 : 2
    0 || null || 'x'
    1 && 0 && 2
    a?.b
    (x => x)\u0028'esc\\x61pe\\u0061'\u0029
    \`line1
line2\`.length
    /* comment */ 5 // tail
    <!-- html
    0777 === 511
    (() => { 'use strict'; return eval('010') })()
    (() => { var yield_ = 1, async = 2, of = 3, let_ = 4; return yield_ + async + of + let_ })()
    (() => { let async = (x) => x; return async(5) })()
    ((a, a) => a)(1, 2)
    (function (a, a) { return a })(1, 2)
    new.target
    (() => { for (var i = 0, n = ''; i < 3; n += i++); return n })()
    (() => { return
      5 })()
    (() => { let a = 1
      let b = a
      ++b
      return [a, b] })()
    1..toString()
    '\\0'.length
    0.1 * 3
    9007199254740993
    [,].length
    ({}).x?.y.z.w
    async () => {}
    import.meta`,
};
