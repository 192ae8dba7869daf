import { expect, test } from 'vitest';
import { bootImages, compilePython } from '../../src/environment/python/build.ts';
import { DEFAULT_MODULES } from '../../src/environment/python/guest.ts';

test('booting gives the same image every time', { timeout: 300_000 }, () => {
  const module = compilePython();
  const [first, again] = [bootImages(module, DEFAULT_MODULES), bootImages(module, DEFAULT_MODULES)];
  for (const image of [0, 1] as const) {
    expect(Buffer.compare(new Uint8Array(again[image].memory), new Uint8Array(first[image].memory))).toBe(0);
    expect({ ...again[image], memory: null }).toEqual({ ...first[image], memory: null });
  }
});
