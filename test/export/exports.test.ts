import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { exportRecords } from '../../src/commands/export-records.ts';
import { columnsMarkdown, writeCard } from '../../src/export/card.ts';
import { csvText, writeCsv } from '../../src/export/csv.ts';
import { writeInspect } from '../../src/export/inspect.ts';
import { writeJsonl } from '../../src/export/jsonl.ts';
import { writeParquet } from '../../src/export/parquet.ts';
import { openSource } from '../../src/export/source.ts';
import { jsonSchema, TABLES } from '../../src/export/tables.ts';
import { writeWhole } from '../../src/export/target.ts';
import { scratch } from '../record/samples.ts';
import { HOSTILE, sampleRun } from './samples.ts';

type Row = Record<string, unknown>;
const TABLE_NAMES = ['tasks', 'rollouts', 'findings', 'metrics'];
const SAFE = HOSTILE.toWellFormed();
/** Characters that a terminal could obey. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u;
const lines = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);

/** Whether a value has a type that the schema allows. */
function fits(value: unknown, schema: { type: string | string[]; items?: { type: string | string[] } }): boolean {
  const allowed = [schema.type].flat();
  if (Array.isArray(value)) return allowed.includes('array') && value.every((item) => fits(item, schema.items!));
  if (value === null) return allowed.includes('null');
  if (typeof value === 'number') return allowed.includes('number') || (Number.isInteger(value) && allowed.includes('integer'));
  return allowed.includes(typeof value);
}

describe('tables of an export', () => {
  it('JSON Lines hold every row as the schema says, and nothing that a terminal obeys', () => {
    using source = openSource(sampleRun());
    const dir = scratch();
    expect(writeJsonl(source, dir).map(({ rows }) => rows)).toEqual([2, 3, 1, 6]);
    const { $defs } = jsonSchema() as { $defs: Record<string, { properties: Record<string, never>; required: string[] }> };
    for (const name of TABLE_NAMES) {
      expect(CONTROLS.test(readFileSync(join(dir, `${name}.jsonl`), 'utf8'))).toBe(false);
      for (const row of lines(join(dir, `${name}.jsonl`))) {
        expect(Object.keys(row)).toEqual($defs[name]!.required);
        for (const [key, value] of Object.entries(row))
          expect([key, value, fits(value, $defs[name]!.properties[key]!)]).toEqual([key, value, true]);
      }
    }
    const [first, second] = lines(join(dir, 'rollouts.jsonl'));
    expect(first).toMatchObject({ id: 'r1', thought: SAFE, task_id: 't1', tokens: [4, 5], logprobs: [-0.5, -1.25] });
    expect(second).toMatchObject({ reward: null, advantage: -0.5, logprobs: [null], tokens: [70_000] });
    expect(lines(join(dir, 'findings.jsonl'))[0]).toMatchObject({ rollout_id: 'r1', severity: 4, label: 'confirmed', label_by: SAFE });
    expect(lines(join(dir, 'tasks.jsonl'))[1]).toMatchObject({ inputs: ['1', '3'], outputs: ['2', '4'], shown: 1, message: SAFE });
  });

  it('Parquet holds the same rows, and also NaN and infinities', async () => {
    using source = openSource(sampleRun());
    const dir = scratch();
    writeJsonl(source, dir);
    writeParquet(source, dir);
    for (const name of TABLE_NAMES) {
      const file = await asyncBufferFromFile(join(dir, `${name}.parquet`));
      const rows = (await parquetReadObjects({ file })) as Row[];
      const plain = (value: unknown): unknown =>
        typeof value === 'number' && !Number.isFinite(value)
          ? null
          : value instanceof Date
            ? value.toISOString()
            : Array.isArray(value)
              ? value.map(plain)
              : (value ?? null);
      const same = rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])));
      expect(same).toEqual(lines(join(dir, `${name}.jsonl`)));
      expect(Number((await parquetMetadataAsync(file)).num_rows)).toBe(rows.length);
    }
    const rollouts = (await parquetReadObjects({ file: await asyncBufferFromFile(join(dir, 'rollouts.parquet')) })) as Row[];
    expect(rollouts[1]).toMatchObject({ reward: NaN, logprobs: [-Infinity] });
  });

  it('data card and schema lie beside the tables; text of a model is no markup in it', async () => {
    using source = openSource(sampleRun());
    const dir = scratch();
    await writeCard(source, dir, writeJsonl(source, dir));
    const text = readFileSync(join(dir, 'README.md'), 'utf8');
    // The configuration is an indented code block; outside it nothing is HTML.
    expect(text.split('\n').filter((line) => !line.startsWith('    ') && /<script|<img|javascript:/.test(line))).toEqual([]);
    expect(CONTROLS.test(text)).toBe(false);
    expect(text).not.toContain('/home/somebody');
    expect(text).toMatch(/\| rollouts\.jsonl \| 3 \| \d+ \| [0-9a-f]{64} \|/);
    expect(Object.keys((JSON.parse(readFileSync(join(dir, 'schema.json'), 'utf8')) as { $defs: object }).$defs)).toEqual(TABLE_NAMES);
  });

  it('docs/exports.md describes every column', () => {
    const docs = readFileSync('docs/exports.md', 'utf8').replaceAll(/ +\|/g, ' |').replaceAll(/-+/g, '---');
    for (const line of columnsMarkdown()) expect(docs).toContain(line.replaceAll(/-+/g, '---'));
    expect(TABLES.map(({ name }) => name)).toEqual(TABLE_NAMES);
  });
});

describe('metrics as CSV', () => {
  it('has a line for each step and evaluation and a column for each metric', () => {
    using source = openSource(sampleRun());
    const path = join(scratch(), 'm.csv');
    expect(writeCsv(source, path)).toBe(4);
    const [head, ...rows] = readFileSync(path, 'utf8').split('\r\n');
    expect(head).toBe('step,event,time,heldout/temp1,loss,optim/grad_norm,reward/solve/deduction');
    expect(rows).toEqual([
      '0,eval,2026-11-23T07:00:05.250Z,0.25,,,',
      '1,step,2026-11-23T07:00:05.250Z,,0.1,NaN,-0.5',
      '2,step,2026-11-23T07:00:05.250Z,,,,0.5',
      '2,eval,2026-11-23T07:00:05.250Z,0.5,,,',
      '',
    ]);
  });

  it.each([
    ['=1+1', `"'=1+1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    [' +x', `"' +x"`],
    ['-2+3|cmd', `"'-2+3|cmd"`],
    ['a,"b"', '"a,""b"""'],
    ['two\nlines', 'two⏎lines'],
    ['loss', 'loss'],
  ])('%j becomes %s', (text, cell) => expect(csvText(text)).toBe(cell));
});

describe('Inspect log', () => {
  it('has a sample for each rollout, with what the environment and the monitor said', () => {
    using source = openSource(sampleRun());
    const path = join(scratch(), 'log.json');
    expect(writeInspect(source, path)).toBe(3);
    const text = readFileSync(path, 'utf8');
    expect(CONTROLS.test(text)).toBe(false);
    const log = JSON.parse(text) as { version: number; status: string; eval: { model: string }; results: Row; samples: Row[] };
    expect(log).toMatchObject({ version: 2, status: 'success', eval: { model: 'kelvin/m.gguf' }, results: { total_samples: 3 } });
    expect(log.samples[0]).toMatchObject({
      id: 'r1',
      input: SAFE,
      messages: [
        { role: 'user' },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', reasoning: SAFE },
            { type: 'text', text: SAFE },
          ],
        },
      ],
      scores: { environment: { value: 'C' }, monitor: { value: 4, metadata: { findings: [{ label: 'confirmed' }] } } },
    });
    expect(Object.keys(log.samples[1]!['scores'] as object)).toEqual(['environment', 'monitor']);
  });
});

test('the name of an Inspect log ends in .json, without which Inspect does not read it', async () => {
  const out = join(scratch(), 'log');
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => said.mockRestore());
  expect(await exportRecords({ run: sampleRun(), format: 'inspect', out, json: true })).toBe(0);
  expect(JSON.parse(String(said.mock.calls[0]?.[0]))).toMatchObject({ file: `${out}.json` });
  expect(existsSync(`${out}.json`)).toBe(true);
});

describe('writing', () => {
  it('leaves nothing behind after a fault, and never overwrites', async () => {
    const dir = scratch();
    const out = join(dir, 'out');
    await expect(
      writeWhole(out, 'folder', () => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(readdirSync(dir)).toEqual([]);
    mkdirSync(out);
    await expect(writeWhole(out, 'folder', () => {})).rejects.toThrow('is there already');
    await expect(writeWhole(join('/dev/null', 'x'), 'file', () => {})).rejects.toMatchObject({ code: 'unwritable' });
    expect(existsSync(out)).toBe(true);
  });
});

describe('a damaged run', () => {
  it('is not exported as if it were whole', () => {
    const dir = sampleRun();
    const db = new DatabaseSync(join(dir, 'journal.sqlite'));
    db.exec("UPDATE events SET body = replace(body, '0.25', '0.75') WHERE type = 'eval'");
    db.close();
    expect(() => openSource(dir)).toThrow('no longer has the checksum');
  });
});
