import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { auditDependencies, billOfMaterials, readDependencies } from '../../src/commands/dependencies.ts';
import type { Dependency } from '../../src/commands/dependencies.ts';
import { kelvin } from './cli.ts';

const sound: Dependency = {
  name: 'left', version: '1.0.0', licence: 'MIT', integrity: 'sha512-AAAA', dev: false, optional: false, installScript: false,
}; // prettier-ignore

test('the packages of this repository are in order', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  expect(auditDependencies(readDependencies(), manifest).problems).toEqual([]);
});

test('names what is wrong with a package', () => {
  const problems = (change: Partial<Dependency>, manifest = {}): readonly string[] =>
    auditDependencies([{ ...sound, ...change }], manifest).problems;
  expect(problems({})).toEqual([]);
  expect(problems({ licence: '(GPL-3.0 OR MIT)' })).toEqual([]);
  expect(problems({ licence: 'MIT AND GPL-3.0' })[0]).toMatch(/left 1.0.0: the licence MIT AND GPL-3.0/);
  expect(problems({ licence: 'unknown' })).toHaveLength(1);
  expect(problems({ integrity: null })[0]).toMatch(/no SHA-512/);
  expect(problems({ integrity: 'sha1-AAAA' })).toHaveLength(1);
  expect(problems({ installScript: true })[0]).toMatch(/runs a script/);
  expect(problems({}, { dependencies: { left: '^1.0.0' } })[0]).toMatch(/pin one version/);
  expect(auditDependencies([{ ...sound, integrity: null, optional: true }], {})).toMatchObject({
    problems: [],
    warnings: [expect.any(String)],
  });
});

test('the bill of materials names every package once, with licence and hash, and is the same each time', () => {
  const all = readDependencies();
  const bill = billOfMaterials(all, '0.1.0') as { components: { purl: string; hashes?: { content: string }[] }[]; serialNumber: string };
  expect(bill).toEqual(billOfMaterials(all, '0.1.0'));
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
  });
  const refs = bill.components.map((item) => item.purl);
  expect(new Set(refs).size).toBe(refs.length);
  expect(refs).toContainEqual(expect.stringMatching(/^pkg:npm\/zod@/));
  expect(refs).toContainEqual(expect.stringMatching(/^pkg:npm\/%40lezer\/python@/));
  expect(refs.some((ref) => ref.startsWith('pkg:npm/vitest@'))).toBe(false);
  for (const { hashes } of bill.components) if (hashes) expect(hashes[0]?.content).toMatch(/^[0-9a-f]{128}$/);
});

test('kelvin licences lists them', async () => {
  const { code, stdout } = await kelvin(['licences']).done;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^zod \d+\.\d+\.\d+ +MIT$/m);
  expect(stdout).not.toMatch(/^vitest /m);
});
