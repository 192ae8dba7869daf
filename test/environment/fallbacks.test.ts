import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { IsolationReport } from '../../src/environment/isolation.ts';

const source = (name: string): string => JSON.stringify(pathToFileURL(resolve(import.meta.dirname, '../../src/environment', name)).href);

/** A Node that knows no permissions, as those before 22.13 did. */
const NO_PERMISSIONS = `
  const known = process.allowedNodeEnvironmentFlags;
  Object.defineProperty(process, 'allowedNodeEnvironmentFlags', { value: { has: (flag) => flag !== '--permission' && known.has(flag) } });`;

const SELF_TEST = `
  const { testIsolation } = await import(${source('isolation.ts')});
  const { loadLanguage } = await import(${source('languages.ts')});
  process.stdout.write(JSON.stringify(await testIsolation([await loadLanguage('javascript')])));`;

/** The self-test of an application that finds no `unshare`. */
function selfTest(before: string): IsolationReport {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', before + SELF_TEST],
    { encoding: 'utf8', env: { PATH: '' } },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as IsolationReport;
}

const missing = ({ layers }: IsolationReport): string[] => layers.filter(({ holds }) => !holds).map(({ name }) => name);

describe('where a layer is missing', () => {
  test('the others hold, and the report says which: no namespaces', { timeout: 120_000 }, () => {
    const report = selfTest('');
    expect(report.tried).toEqual([{ language: 'javascript', programs: 10, held: 10 }]);
    // Node denies the network from 26 on.
    const network = process.allowedNodeEnvironmentFlags.has('--allow-net') ? [] : ['network'];
    expect(missing(report)).toEqual([...network, 'namespace']);
  });

  test('the others hold, and the report says which: neither namespaces nor permissions', { timeout: 120_000 }, () => {
    const report = selfTest(NO_PERMISSIONS);
    expect(report.tried).toEqual([{ language: 'javascript', programs: 10, held: 10 }]);
    expect(missing(report)).toEqual(['files', 'processes', 'network', 'namespace']);
    for (const { holds, consequence } of report.layers) expect(holds || consequence.length > 20).toBe(true);
  });
});
