import type { Attack } from '../language.ts';

/** Ten ways out that programs have tried elsewhere; `kelvin doctor` tries them here. All take the input `1`. */
export const javascriptAttacks: readonly Attack[] = [
  { name: 'endless loop', layer: 'limits', code: 'function f(x) { for (;;); }', verdicts: ['timeout'] },
  {
    name: 'endless native call',
    layer: 'limits',
    code: 'function f(x) { const a = []; a.length = 4294967295; return a.join("").length }',
    verdicts: ['timeout'],
  },
  {
    name: 'memory flood',
    layer: 'memory',
    code: 'function f(x) { const all = []; for (;;) all.push(new Array(10000).fill(x)) }',
    verdicts: ['memory'],
  },
  {
    name: 'recursion without end, caught',
    layer: 'memory',
    code: 'function f(x) { const g = () => g(); try { g() } catch (error) { return error instanceof RangeError } }',
    verdicts: ['ok'],
    output: 'true',
  },
  {
    name: 'walk to the host through constructors',
    layer: 'gate',
    code: `function f(x) {
      const make = f.constructor;
      return ['process', 'require', 'fetch', 'WebAssembly', 'Deno', 'std', 'os'].map((name) => make('return typeof ' + name)());
    }`,
    verdicts: ['ok'],
    output: `[${Array<string>(7).fill('"undefined"').join(',')}]`,
  },
  {
    name: 'import of a host module',
    layer: 'gate',
    code: 'async function f(x) { return Object.keys(await import("node:fs")).length }',
    verdicts: ['error', 'forbidden'],
  },
  {
    name: 'clock by reflection',
    layer: 'gate',
    code: 'function f(x) { return Reflect.get(Date, ["n", "ow"].join(""))() }',
    verdicts: ['forbidden'],
  },
  {
    name: 'call sites of the caller',
    layer: 'gate',
    code: `function f(x) {
      Error.prepareStackTrace = (error, sites) => sites;
      const { stack } = new Error('x');
      return [typeof stack, f.caller === undefined || f.caller === null];
    }`,
    verdicts: ['ok', 'error'],
    output: '["string",true]',
  },
  {
    name: 'forged output',
    layer: 'memory',
    code: `JSON.stringify = Array.prototype.join = String.prototype.slice = Reflect.ownKeys = () => 'forged';
      Object.prototype.toJSON = () => 'forged';
      function f(x) { return { x } }`,
    verdicts: ['ok'],
    output: '{"x":1}',
  },
  {
    name: 'traps that never return',
    layer: 'limits',
    code: 'function f(x) { return new Proxy({}, { ownKeys() { for (;;); } }) }',
    verdicts: ['timeout'],
  },
];
