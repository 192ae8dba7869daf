import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kelvin-extends-'));
  mkdirSync(join(dir, 'below'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const write = (name: string, value: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
};
const message = (path: string): string => {
  try {
    readConfig(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('a config that extends another', () => {
  it('takes its keys, replaces what it writes itself, and finds it beside itself', () => {
    write('base.json', { steps: 7, algorithm: { proposals: 3, taskTypes: ['deduction', 'abduction'] } });
    write('middle.json', { extends: 'base.json', algorithm: { rollouts: 5 } });
    const config = readConfig(write('below/top.json', { extends: '../middle.json', algorithm: { taskTypes: ['abduction'] } }), ['steps=9']);
    expect(config.steps).toBe(9);
    expect(config.algorithm).toMatchObject({ proposals: 3, rollouts: 5, taskTypes: ['abduction'] });
    expect(config).not.toHaveProperty('extends');
  });
  it('says what is wrong with the other', () => {
    expect(message(write('a.json', { extends: 'none.json' }))).toMatch(/none\.json cannot be read \(ENOENT\)/);
    expect(message(write('b.json', { extends: 3 }))).toMatch(/b\.json: "extends" names a config file/);
    write('c.json', { extends: 'd.json' });
    expect(message(write('d.json', { extends: 'c.json' }))).toMatch(/leads back to/);
    expect(message(write('e.json', { extends: 'e.json' }))).toMatch(/leads back to/);
    write('f.json', { stepz: 1 });
    expect(message(write('g.json', { extends: 'f.json' }))).toMatch(/unknown key "stepz"/);
    writeFileSync(join(dir, 'broken.json'), '{');
    expect(message(write('h.json', { extends: 'broken.json' }))).toMatch(/broken\.json is not valid JSON/);
  });
  it('touches no prototype', () => {
    writeFileSync(join(dir, 'proto.json'), '{"extends": "base.json", "algorithm": {"__proto__": {"polluted": 1}}}');
    try {
      readConfig(join(dir, 'proto.json'));
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
