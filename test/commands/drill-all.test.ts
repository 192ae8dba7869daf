import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { drillAll, drillAllCommand, galleryLines, withGallery } from '../../src/commands/drill/all.ts';
import type { DrillReport } from '../../src/commands/drill/all.ts';
import { lastDrill } from '../../src/commands/drill/record.ts';
import type { Finding } from '../../src/core/finding.ts';
import { CATEGORIES } from '../../src/core/finding.ts';
import { parseConfig } from '../../src/config.ts';
import { DRILL_THOUGHT } from '../../safety/drill.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { HARD, SCRIPT } from '../../safety/drills/script.ts';
import { TWINS } from '../../safety/drills/twins.ts';
import type { Monitor } from '../../safety/types.ts';

const config = parseConfig({});
/** Finds what it knows from the script, at the severity deserved, certain or not; thoughts in `blind` go unseen. */
const knowing = (options: { readonly certain: boolean; readonly blind?: readonly string[] }): Monitor => ({
  version: 'test-1',
  tiers: ['rules', 'classifier'],
  scan({ id, thought }) {
    const item = SCRIPT.find((other) => other.thought === thought && !options.blind?.includes(other.id));
    if (!item) return { id, severity: 0, findings: [] };
    const finding: Finding = {
      category: item.category, severity: item.severity, detector: 'rules/knows@1', where: 'thought', start: 0, end: 5, quote: thought.slice(0, 5), why: 'Known.',
      certain: options.certain,
    }; // prettier-ignore
    return { id, severity: item.severity, findings: [finding] };
  },
});
afterEach(() => vi.restoreAllMocks());
const printed = (): { readonly text: () => string } => {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  return { text: () => write.mock.calls.map(([chunk]) => String(chunk)).join('') };
};

describe('the script', () => {
  it('has 24 thoughts over all categories, and a harmless twin beside each', () => {
    expect([SCRIPT.length, TWINS.length]).toEqual([24, 24]);
    expect(new Set(SCRIPT.map(({ category }) => category))).toEqual(new Set(CATEGORIES));
    expect(SCRIPT.filter(({ pauses }) => pauses).length).toBeGreaterThanOrEqual(9);
    for (const { severity, pauses } of SCRIPT) expect(pauses && severity < 4).toBe(false);
  });

  // Five may be an idiom ("every last one of them").
  it('is unknown to the detectors: no six words in a row of it stand in the monitor', () => {
    const root = fileURLToPath(new URL('../../safety', import.meta.url));
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|json|jsonl|txt)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/drill|calibration\.json|weights\.json|words\.json/.test(path.slice(root.length)));
    const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
    const known = new Set<string>();
    for (const file of files) {
      const all = words(readFileSync(file, 'utf8'));
      for (let at = 0; at + 6 <= all.length; at++) known.add(all.slice(at, at + 6).join(' '));
    }
    expect(known.size).toBeGreaterThan(10_000);
    // The sentence of the paper is known to everybody.
    for (const { id, thought } of [...SCRIPT, ...HARD]) {
      if (thought === DRILL_THOUGHT) continue;
      const own = words(thought);
      for (let at = 0; at + 6 <= own.length; at++) expect([id, known.has(own.slice(at, at + 6).join(' '))]).toEqual([id, false]);
    }
  });
});

describe('kelvin drill --all', () => {
  it('takes each thought through reader, journal, gate and audit log; exit code 0 when all that must pause did', async () => {
    const out = printed();
    expect(await drillAllCommand(knowing({ certain: true }), config, 'table')).toBe(0);
    expect(out.text()).toContain(
      'caught at the severity deserved: 24 of 24; paused: 10 of 10 that must; hard ones caught: 0 of 8; harmless twins left in peace: 24 of 24',
    );
    expect(out.text()).toContain('an audit log that is whole: yes');
    expect(lastDrill()).toMatchObject({ monitor: 'test-1', caught: 24, of: 24, passed: true });
  });

  it('exit code 7 when one that must pause did not', async () => {
    const out = printed();
    expect(await drillAllCommand(knowing({ certain: true, blind: ['drill-09'] }), config, 'json')).toBe(7);
    const lines = out.text().trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(lines.find(({ id }) => id === 'drill-09')).toMatchObject({ caught: false, mustPause: true, paused: false, kind: 'script' });
    expect(lines.at(-1)).toMatchObject({ type: 'drills', passed: false, caught: 23, of: 24, falseAlarms: 0 });
    expect(lastDrill()).toMatchObject({ passed: false });
  });

  it('one tier alone, not certain, is caught and queued but does not pause: that fails the drill', async () => {
    const report = await drillAll(knowing({ certain: false }), config);
    expect(report).toMatchObject({ passed: false, recorded: true });
    expect(report.script.every(({ caught, paused }) => caught && !paused)).toBe(true);
    const one = await drillAll(knowing({ certain: false }), parseConfig({ safety: { policy: { confirm: 'one' } } }));
    expect(one.passed).toBe(true);
  });

  it('a monitor that fails is no passed drill, though everything stops', async () => {
    const broken: Monitor = { version: 'b', tiers: ['rules'], scan: () => { throw new Error('out of order'); } }; // prettier-ignore
    const report = await drillAll(broken, config);
    expect(report.passed).toBe(false);
    expect(report.script.every(({ read, paused, caught }) => !read && paused && !caught)).toBe(true);
  });

  it('a gallery for the documentation, in which no thought is markup', async () => {
    const lines = galleryLines(await drillAll(knowing({ certain: true }), config));
    expect(lines.filter((line) => line.startsWith('| ')).length).toBe(24 + 8 + 4);
    expect(lines.join('\n')).toContain('**missed**');
    // eslint-disable-next-line no-control-regex
    expect(lines.join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|<[a-z]/i);
  });

  it('docs/safety.md shows what this monitor catches; renew it with: kelvin drill --gallery docs/safety.md', async () => {
    const text = readFileSync(new URL('../../docs/safety.md', import.meta.url), 'utf8');
    expect(withGallery(text, await drillAll(createMonitor(), config))).toBe(text);
    expect(() => withGallery('nothing', { script: [], hard: [], twins: [] } as unknown as DrillReport)).toThrow(/no place for a gallery/);
  });
});
