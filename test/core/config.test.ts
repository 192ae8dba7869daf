import { describe, expect, it } from 'vitest';
import { ConfigError, configKeys, parseConfig } from '../../src/config.ts';
import { editDistance, nearest } from '../../src/core/nearest.ts';

const message = (overrides: string[], source: unknown = {}): string => {
  try {
    parseConfig(source, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('configuration', () => {
  it('has a default for every key', () => {
    expect(parseConfig({}).control.advantages).toBe('on');
    expect(configKeys()).toContain('optim.lr');
  });
  it('--set overrides any key, with its type', () => {
    const config = parseConfig({ optim: { lr: 1 } }, [
      'optim.lr=0.5',
      'control.advantages=zero',
      'algorithm.maxTokens.solve=7',
      'safety.monitor=false',
    ]);
    expect([config.optim.lr, config.control.advantages, config.algorithm.maxTokens.solve, config.safety.monitor]).toEqual([
      0.5,
      'zero',
      7,
      false,
    ]);
  });
  it('names an unknown key and the nearest known one', () => {
    expect(message(['optim.lrr=1'])).toMatch(/optim\.lrr.*optim\.lr"/);
    expect(message(['stepz=1'])).toMatch(/"stepz".*"steps"/);
  });
  it('names the key of a wrong value', () => {
    expect(message(['steps=-1'])).toMatch(/"steps"/);
    expect(message(['engine.backend=abacus'])).toMatch(/"engine\.backend".*cpu/);
    expect(message(['optim=3'])).toMatch(/"optim"/);
  });
  it('refuses keys that contradict each other, and says which to change', () => {
    expect(message(['loss.kl=0.1'])).toMatch(/"loss\.kl".*engine\.mode to "lora"/);
    expect(message(['optim.epochs=2'])).toMatch(/"optim\.epochs".*loss\.kind to "ppo"/);
    expect(message(['language=python'])).toMatch(/held-out suites are JavaScript.*"eval\.suite" to "none"/);
    expect(parseConfig({}, ['language=python', 'eval.suite=none']).language).toBe('python');
    expect(parseConfig({}, ['optim.epochs=2', 'loss.kind=ppo', 'loss.kl=0.1', 'engine.mode=lora']).loss.kl).toBe(0.1);
  });
  it('refuses what is no assignment, no object, or an attack on prototypes', () => {
    expect(message(['steps'])).toMatch(/path=value/);
    expect(message([], [])).toMatch(/JSON object/);
    expect(message(['__proto__.x=1'])).toMatch(/no config key/);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
  it('finds the nearest word', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(nearest('lern', ['learn', 'gate'])).toBe('learn');
    expect(nearest('zzzzzz', ['learn', 'gate'])).toBeNull();
  });
});

describe('docs/config.md', () => {
  it('names every key', async () => {
    const { readFileSync } = await import('node:fs');
    const text = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8');
    const leaves = configKeys().filter((key, _, all) => !all.some((other) => other.startsWith(`${key}.`)));
    expect(leaves.filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });
});
