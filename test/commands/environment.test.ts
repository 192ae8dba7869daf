import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execCommand } from '../../src/commands/exec.ts';
import { knownIsolation, trustWarnings } from '../../src/commands/isolation.ts';
import { openEnvironment } from '../../src/commands/open.ts';
import { parseConfig, readConfig } from '../../src/config.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { loadDefinition, moduleHash } from '../../src/environment/definitions.ts';
import { kelvin } from './cli.ts';

const TEMPLATE = new URL('../../src/environment/template.ts', import.meta.url);
let dir = '';
let own = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kelvin-environment-'));
  own = join(dir, 'my-env.ts');
  copyFileSync(TEMPLATE, own);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

async function exec(lang: string, lines: readonly object[]): Promise<unknown[]> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const chunks: Buffer[] = [];
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await execCommand({ lang, stdin: Readable.from(lines.map((line) => `${JSON.stringify(line)}\n`)), stdout, stderr });
  const text = Buffer.concat(chunks).toString('utf8');
  return [
    code,
    ...text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown),
  ];
}

describe('the config', () => {
  test('takes the known environments and files, and nothing else', () => {
    const read = (language: string): string => parseConfig({ language, eval: { suite: 'none' } }).language;
    for (const language of ['python', 'logic', 'gridworld', './my-env.ts', '/x/y.mjs', 'a.js']) expect(read(language)).toBe(language);
    for (const language of ['ruby', '', 'logic.json', '.ts.txt'])
      expect(() => read(language)).toThrow(/"language": javascript, python, logic, gridworld, or the path/);
  });

  test('refuses the held-out suites, which are JavaScript', () => {
    for (const language of ['logic', 'gridworld', './x.ts']) expect(() => parseConfig({ language })).toThrow(/"eval.suite" to "none"/);
  });

  test('finds a file beside itself, then in the working folder', () => {
    const config = write('config.json', JSON.stringify({ language: './my-env.ts', eval: { suite: 'none' } }));
    expect(readConfig(config).language).toBe(own);
    mkdirSync(join(dir, 'sub'), { recursive: true });
    const elsewhere = write('sub/config.json', JSON.stringify({ language: 'src/environment/template.ts', eval: { suite: 'none' } }));
    expect(readConfig(elsewhere).language).toBe(join(process.cwd(), 'src/environment/template.ts'));
  });
});

describe('a file with an environment', () => {
  test('is opened like any other, with the limits of the config', async () => {
    const config = parseConfig({ language: own, eval: { suite: 'none' }, environment: { programChars: 10 } });
    await using environment = await openEnvironment(config);
    expect(await environment.execute('1 add', '3')).toEqual({ verdict: 'ok', output: '4' });
    expect(await environment.execute('1 add 1 add 1 add', '3')).toMatchObject({
      verdict: 'unsupported',
      detail: 'The program is longer than 10 characters.',
    });
    expect(await knownIsolation(own)).toEqual({ layers: [], tried: [] });
  });

  test.each([
    ['missing.ts', null, /does not exist/],
    ['syntax.mjs', 'export default {', /cannot be loaded/],
    ['throws.mjs', 'throw new Error("on purpose")', /cannot be loaded: .*on purpose/],
    ['nothing.mjs', 'export const x = 1;', /no default export/],
    ['name.mjs', 'export default { name: "Two Words" };', /"name" is one word/],
    ['half.mjs', 'export default { name: "half", program: { read() {} } };', /"program.write" is not a function/],
  ])('%s is refused with what to do', async (name, text, message) => {
    const file = text === null ? join(dir, name) : write(name, text);
    await expect(loadDefinition(file)).rejects.toThrow(message);
    await expect(loadDefinition(file)).rejects.toMatchObject({ name: 'EnvironmentError' });
  });

  test('whose seed fails is refused', async () => {
    const file = write('seed.ts', readFileSync(own, 'utf8').replace("seed: { program: '1 add'", "seed: { program: 'add'"));
    await expect(openEnvironment(parseConfig({ language: file, eval: { suite: 'none' } }))).rejects.toThrow(/breaks its contract in seed/);
  });

  test('is said to be trusted code, and to have changed', () => {
    const hash = moduleHash(own);
    const start = (environmentHash: string): RunEvent => ({ type: 'start', environmentHash }) as unknown as RunEvent;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(trustWarnings('logic', moduleHash('logic'), [])).toEqual([]);
    expect(trustWarnings(own, hash, [start(hash ?? '')])).toEqual([expect.stringMatching(/rights of this process/)]);
    expect(trustWarnings(own, hash, [start('other')])[1]).toMatch(/not the file that this run began with/);
  });
});

describe('kelvin exec', () => {
  test('runs logic, gridworld and a file', async () => {
    expect(
      await exec('logic', [
        { id: 1, code: 'a & b', input: 'a=1 b=1' },
        { id: 2, code: 'a &', input: 'a=1' },
        { id: 3, code: 'a | b', input: 'a=1' },
      ]),
    ).toEqual([
      0,
      { id: 1, verdict: 'ok', output: 'true' },
      { id: 2, verdict: 'error', detail: 'The formula ends too early.' },
      { id: 3, verdict: 'ok', output: 'true' },
    ]);
    expect(await exec('gridworld', [{ id: 1, code: 'R U', input: '../@.' }])).toEqual([0, { id: 1, verdict: 'ok', output: '.@/.. 0' }]);
    expect(
      await exec(own, [
        { id: 1, code: 'dup mul', input: '7' },
        { id: 2, code: 'eval(1)', input: '7' },
      ]),
    ).toEqual([
      0,
      { id: 1, verdict: 'ok', output: '49' },
      { id: 2, verdict: 'error', detail: '"eval(1)" is neither a number nor a word.' },
    ]);
    expect(await exec('ruby', [])).toEqual([2]);
  });
});

describe('kelvin environment', () => {
  test('passes the template, fails a wrong one, ends one that hangs, refuses what is none', async () => {
    const bad = write('bad.ts', readFileSync(own, 'utf8').replace('-stack.pop()! + stack.pop()!', 'stack.pop()! + stack.pop()!'));
    const hang = write('hang.ts', readFileSync(own, 'utf8').replace('tick();', 'for (;;);'));
    const run = (file: string, ...more: string[]) => kelvin(['environment', file, ...more]).done;
    const [good, wrong, hung, none] = await Promise.all([run(own), run(bad), run(hang, '--seconds', '5'), run('README.md')]);
    expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/stack keeps the contract/) as string });
    expect(wrong).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/FAIL known answers[^]*"sub" on "7 2" gives "9", not "5"/) as string,
    });
    expect(hung).toMatchObject({ code: 7, stdout: expect.stringMatching(/did not end within 5 s/) as string });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/name a file/) as string });
  });
});

describe('training', () => {
  test('a stranger with the template and a config of their own trains two steps', async () => {
    const config = write(
      'my.json',
      JSON.stringify({
        language: './my-env.ts',
        steps: 2,
        eval: { suite: 'none' },
        engine: { threads: 1, parallel: 16, tokenBudget: 512 },
        algorithm: {
          proposals: 1,
          rollouts: 2,
          solver: 'reuse',
          references: 1,
          inductionInputs: 3,
          inductionShown: 1,
          seedFactor: 0,
          maxTokens: { propose: 24, solve: 24 },
        },
      }),
    );
    const { code, events, stderr } = await kelvin(['train', '--config', config, '--json', '--run-dir', join(dir, 'run')], {
      env: { KELVIN_STATE: join(dir, 'state') },
    }).done;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(events.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([1, 2]);
    expect(events.find(({ type }) => type === 'start')).toMatchObject({ environmentHash: moduleHash(own) });
    expect(events.filter(({ type }) => type === 'warning').map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/my-env\.ts is code of your own/),
    );
  });
});
