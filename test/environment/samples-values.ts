/** JavaScript expressions by area of ECMAScript 2023; each begins after four blanks, and lines indented further belong to it. */
export const VALUE_SAMPLES: Readonly<Record<string, string>> = {
  numbers: `
    0.1 + 0.2
    -0
    1 / -0
    5 % -3
    -5 % 3
    -5.5 % 2
    2 ** -1
    (-2) ** 3
    2 ** 53 + 1
    0b1011 + 0o17 + 0xff
    1_000_000
    .5e-3
    1e21 + ''
    1e-7 + ''
    123456789012345680000 + ''
    (25).toString(36)
    (0.1).toString(2).length
    (255).toString(16)
    (1.005).toFixed(2)
    (1e21).toFixed(2)
    (123.456).toPrecision(4)
    (0.00001).toPrecision(1)
    (12345.6789).toExponential(2)
    Number('0x1f')
    Number(' 12 ')
    Number('1_0')
    Number('')
    Number(null)
    Number(undefined)
    Number([5])
    Number('Infinity')
    parseInt('12px')
    parseInt('0x1f')
    parseInt('z', 36)
    parseFloat('3.14abc')
    parseFloat('.5.5')
    Number.isInteger(5.0)
    Number.isSafeInteger(2 ** 53)
    Number.EPSILON > 0
    Number.MAX_SAFE_INTEGER
    Math.round(-0.5)
    Math.round(2.5)
    Math.sign(-3)
    Math.trunc(-4.7)
    Math.hypot(3, 4)
    Math.max()
    Math.min(1, NaN)
    Math.clz32(1)
    Math.imul(0xffffffff, 5)
    Math.fround(5.5)
    Math.cbrt(27)
    Math.log2(8)
    Math.expm1(0)
    ~5
    1 << 31
    -1 >>> 0
    -9 >> 1
    5 & 3 | 8 ^ 2
    2 ** 3 ** 2
    NaN === NaN
    Object.is(NaN, NaN)
    [NaN].includes(NaN)
    [NaN].indexOf(NaN)
    0 === -0
    isNaN('x')
    null + 1
    undefined + 1
    true + true
    '5' * '2'
    '5' + 2
    5 + +'2'`,
  bigints: `
    2n ** 64n
    -7n / 2n
    -7n % 2n
    7n & 3n
    -1n >> 1n
    1n << 70n
    BigInt('0xff')
    BigInt.asUintN(8, 257n)
    BigInt.asIntN(8, 255n)
    BigInt(1.5)
    1n + 1
    1n < 2
    2n == 2
    2n === 2
    typeof 1n
    (123n).toString(2)
    [3n, 1, 2n].sort((a, b) => (a < b ? -1 : 1)).map(String)
    -(-5n)
    0n ? 1 : 2
    BigInt(Number.MAX_SAFE_INTEGER) + 2n
    10n ** 30n`,
  strings: `
    'abc'.at(-1)
    'a-b-c'.split('-', 2)
    'abc'.split('')
    'aXbXc'.replaceAll('X', '$&$&')
    'abc'.replace('b', "[$\`|$'|$$]")
    'abc'.padStart(6, '12')
    'abc'.substring(2, 0)
    'abc'.substr(-2, 1)
    'abc'.slice(-2)
    'abc'.codePointAt(1)
    String.fromCodePoint(128512).length
    [...'a\\u{1F600}b'].length
    '\\u{1F600}'.charCodeAt(0)
    'İ'.toLowerCase().length
    'ß'.toUpperCase()
    'ﬁ'.toUpperCase()
    'Σ'.toLowerCase()
    'e\\u0301'.normalize('NFC').length
    'a\\tb'.trim() + '|' + ' x '.trimEnd()
    'abcabc'.lastIndexOf('c', 4)
    'abc'.localeCompare('abd')
    'a,b'.concat(1, null)
    'abc'.includes('')
    'aaa'.indexOf('a', 5)
    'x'.repeat(3)
    'x'.repeat(-1)
    String.raw\`a\\n\${1}\`
    \`a\${[1, 2]}b\`
    'abc' < 'abd'
    'B' < 'a'
    '10' < '9'
    '10' < 9
    'abc'[5]
    '\\ud800'.isWellFormed?.() ?? false
    'a\\u2028b'.length
    escape('ü') + unescape('%FC')
    encodeURIComponent('ä/ ?')
    decodeURIComponent('%E4%B8%AD')
    decodeURIComponent('%')
    'abc'.search(/c/)
    'x'.localeCompare('x')
    'a1b2'.match(/\\d/g)
    [...'a1b2'.matchAll(/\\d/g)].map((m) => m.index)
    'one two'.replace(/(\\w+) (\\w+)/, '$2 $1')
    'abc'.replace(/b/, (m, i, s) => m + i + s)`,
  'regular expressions': `
    /(?<y>\\d{4})-(?<m>\\d\\d)/.exec('2020-05').groups.m
    '2020-05'.replace(/(?<y>\\d{4})-(?<m>\\d\\d)/, '$<m>/$<y>')
    /(?<=\\$)\\d+/.exec('a$42')[0]
    /(?<!a)b/.test('ab')
    /a(?=b)/.exec('ab')[0]
    /a(?!b)/.test('ab')
    /\\bfoo\\b/.test('a foo b')
    /^.$/u.test('\\u{1F600}')
    /^.$/.test('\\u{1F600}')
    /\\p{Lu}/u.test('É')
    /\\p{Script=Greek}/u.test('α')
    /a.c/s.test('a\\nc')
    /^b/m.test('a\\nb')
    /A/i.test('a')
    /(a)|(b)/.exec('b')
    /(a*)*/.exec('b')
    /(z)((a+)?(b+)?(c))*/.exec('zaacbbbcac')
    /(?:a|ab)(?:c|bcd)(?:d*)/.exec('abcd')[0]
    /\\1(a)/.exec('aa')[0]
    /(?=(a+))a*b\\1/.exec('baaabac')
    /a{2,3}?/.exec('aaaa')[0]
    /[^]/.test('\\n')
    /[\\b]/.test('\\b')
    /\\cJ/.test('\\n')
    /\\u{61}/u.test('a')
    /x*/g[Symbol.replace]('axb', '-')
    'aBc'.split(/(b)/i)
    ''.split(/,/)
    ''.split('')
    (() => { const r = /a/y; r.lastIndex = 1; return [r.test('ba'), r.lastIndex] })()
    (() => { const r = /a/g; return [r.test('aa'), r.test('aa'), r.test('aa')] })()
    new RegExp('/', 'g').source
    /a/gimsuy.flags
    /(?<a>.)\\k<a>/.test('xx')
    /(a)/d.exec('ba').indices[1]
    RegExp('[').source
    new RegExp('a', 'gg').flags`,
  arrays: `
    [3, 1, 2].toSorted()
    [1, 2, 3].toReversed()
    [1, 2, 3].with(1, 9)
    [1, 2, 3].with(5, 9)
    [1, 2, 3, 4].toSpliced(1, 2, 'x')
    [1, 2, 3].findLast((v) => v < 3)
    [1, 2, 3].findLastIndex((v) => v > 5)
    [1, [2, [3, [4]]]].flat(2)
    [1, 2].flatMap((v) => [v, v * 2])
    [10, 9, 1].sort()
    [3, undefined, 1, , 2].sort()
    [, 1].length
    0 in [, 1]
    [, 1].map((v) => v * 2).length
    [1, 2, 3].copyWithin(0, 1)
    Array(3).fill(0)
    Array.from({ length: 3 }, (_, i) => i * i)
    Array.from('abc')
    Array.of(7)
    new Array(3).length
    new Array('3')
    new Array(-1)
    [1, 2, 3].at(-1)
    [1, 2, 3].splice(-1)
    [1, 2, 3, 4].reduceRight((a, b) => a + '-' + b)
    [].reduce((a, b) => a)
    [1, 2, 3].indexOf(2, -1)
    [1, 2, 3].join()
    [null, undefined, [1, [2]]].join('-')
    [] + []
    [] + {}
    [] == false
    [1] == 1
    [..."ab"].entries().next().value
    [...[1, 2].keys()]
    Array.isArray(new Proxy([], {}))
    (() => { const a = [1, 2, 3]; a.length = 1; return a })()
    (() => { const a = []; a[3] = 1; return [a.length, JSON.stringify(a)] })()
    (() => { const [a, , b = 5, ...c] = [1, 2, undefined, 4, 5]; return [a, b, c] })()
    [1, 2, 3].some((v) => v > 2) && [].every(() => false)
    [5, 1, 4].sort((a, b) => b - a)
    [[1, 'a'], [1, 'b'], [0, 'c']].sort((x, y) => x[0] - y[0])
    [1, 2, 3].lastIndexOf(3, -5)
    Object.groupBy?.([1, 2, 3], (v) => (v % 2 ? 'odd' : 'even')).odd ?? [1, 3]
    [3, 2, 1].concat([4], 5, [[6]])`,
  objects: `
    Object.entries({ b: 1, a: 2, 1: 3, 0: 4 })
    Object.fromEntries([['a', 1]])
    Object.assign({ a: 1 }, null, { b: 2 })
    ({ ...{ a: 1, b: 2 }, b: 3 })
    (({ a, ...rest }) => rest)({ a: 1, b: 2 })
    (({ a: { b = 5 } = {} }) => b)({})
    Object.keys('ab')
    Object.getOwnPropertyNames('ab')
    Object.isFrozen(Object.freeze([1]))
    Object.hasOwn({ a: 1 }, 'a')
    ({ a: { b: null } })?.a?.b?.c
    ({ a: 0 }).a ?? 5
    ({ a: 0 }).a || 5
    (() => { let o = { a: null }; o.a ??= 7; o.b ||= 8; o.a &&= 9; return o })()
    (() => { 'use strict'; const o = Object.freeze({ a: 1 }); o.a = 2; return o })()
    (() => { const o = Object.freeze({ a: 1 }); o.a = 2; return o })()
    ({ get x() { return 5 } }).x
    ({ ['a' + 1]: 2 })
    ({ __proto__: { z: 1 } }).z
    JSON.stringify({ a: undefined, b: () => 1, c: Symbol(), d: NaN, e: [undefined] })
    JSON.stringify({ a: 1, b: [1, { c: 2 }] }, null, 2)
    JSON.stringify({ a: 1, b: 2 }, ['b'])
    JSON.stringify({ a: 1 }, (k, v) => (typeof v === 'number' ? v + 1 : v))
    JSON.stringify('\\u2028\\ud800"')
    JSON.stringify({ toJSON: () => 7 })
    JSON.stringify(new Date(0))
    JSON.parse('[1,{"a":null}]', (k, v) => (v === null ? 0 : v))
    JSON.parse('{"a":1,"a":2}').a
    JSON.parse("{'a':1}")
    JSON.parse('01')
    JSON.stringify(1n)
    Object.getOwnPropertyDescriptor({ get a() { return 1 } }, 'a').set
    delete [].length
    'length' in []
    ({}) instanceof Object
    Object.create(null) instanceof Object
    ({ valueOf: () => 42 }) + 1
    \`\${{ toString: () => 's' }}\`
    ({ [Symbol.toPrimitive]: (hint) => hint }) + ''
    typeof null + typeof (() => 1) + typeof Symbol()
    void 0
    Object.prototype.toString.call(null)
    Object.prototype.toString.call([])
    Object.prototype.toString.call(new (class A { get [Symbol.toStringTag]() { return 'T' } })())
    Reflect.ownKeys({ b: 1, 2: 1, [Symbol.iterator]: 1, 1: 1, a: 1 }).length
    structuredCloneless = 5`,
};
