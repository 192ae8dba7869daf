import { beforeAll, describe, expect, test } from 'vitest';
import { compileSandbox } from '../../src/environment/javascript/gate.ts';
import { openQuickJs } from '../../src/environment/javascript/quickjs.ts';
import type { QuickJs } from '../../src/environment/javascript/quickjs.ts';
import { resolveLimits } from '../../src/environment/limits.ts';

const GLOBAL = { type: 'global' } as const;

describe('the memory image', () => {
  let quickjs: QuickJs;
  beforeAll(async () => {
    quickjs = await openQuickJs({
      sandbox: compileSandbox(),
      limits: resolveLimits(),
      padding: 1_024,
      clockMs: 1_000,
      onInterrupt: () => false,
    });
  });

  test.each([
    'var a = [3, 1, 2].sort().map((x) => x * 2).join()',
    'function f() { return f() } try { f() } catch { }',
    'function g(n) { return n ? g(n - 1) + 1 : 0 } g(300)',
    'try { JSON.parse("[".repeat(3000) + "]".repeat(3000)) } catch { }',
    'let o = {}; for (let i = 0; i < 400; i++) o = { o }; JSON.stringify(o)',
    '/(a+)+$/.test("a".repeat(18) + "b"); new RegExp("(x".repeat(300) + ")".repeat(300)).test("x".repeat(300))',
    `function h(${Array.from({ length: 2_000 }, (_, index) => `a${index}`).join()}) { return a1 } h(1, 2)`,
    `try { (function () { return arguments.length })(...new Array(60000).fill(1)) } catch { }`,
    'let s = "ab"; for (let i = 0; i < 18; i++) s += s; s.split("").reverse().join("")',
    'new ArrayBuffer(900000); 3n ** 5000n; (1.5).toFixed(60); Symbol.for("k"); globalThis.leak = new Map([[1, 2]])',
    'Object.prototype.leak = 1; Object.freeze(Array.prototype); Promise.resolve().then(() => 1)',
  ])('is whole again after %s', (source) => {
    const { guest, image } = quickjs;
    guest.evalCode(source, 'program.js', GLOBAL);
    expect(image.isRestored()).toBe(false);
    image.restore();
    expect(image.isRestored()).toBe(true);
  });

  test('is whole again after the memory grew', () => {
    const { guest, image, memoryBytes } = quickjs;
    const before = memoryBytes();
    guest.evalCode('var big = new Uint8Array(40000000).fill(7)', 'program.js', GLOBAL);
    expect(memoryBytes()).toBeGreaterThan(before);
    image.restore();
    expect(image.isRestored()).toBe(true);
  });
});
