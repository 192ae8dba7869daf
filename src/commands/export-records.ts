import { resolve } from 'node:path';
import { writeCard } from '../export/card.ts';
import { writeCsv } from '../export/csv.ts';
import { writeInspect } from '../export/inspect.ts';
import { writeJsonl } from '../export/jsonl.ts';
import { openSource } from '../export/source.ts';
import { writeWhole } from '../export/target.ts';
import { writeTensorboard } from '../export/tensorboard.ts';
import { findRun } from '../record/folder.ts';
import { EXIT } from './exits.ts';
import { runsRoot } from './paths.ts';

export type RecordFormat = 'jsonl' | 'parquet' | 'csv' | 'tensorboard' | 'inspect';

const NAMES: Readonly<Record<RecordFormat, readonly ['file' | 'folder', string]>> = {
  jsonl: ['folder', 'jsonl'],
  parquet: ['folder', 'parquet'],
  csv: ['file', 'metrics.csv'],
  tensorboard: ['folder', 'tensorboard'],
  inspect: ['file', 'inspect.json'],
};

/** `kelvin export RUN --format jsonl|parquet|csv|tensorboard|inspect`: the record of a run for other programs (docs/exports.md). Reads only. */
export async function exportRecords(options: {
  readonly run: string;
  readonly format: RecordFormat;
  readonly out?: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  using source = openSource(dir);
  const [kind, suffix] = NAMES[options.format];
  const asked = resolve(options.out ?? `${source.name}-${suffix}`);
  // Inspect tells the kind of a log by its name.
  const out = options.format === 'inspect' && !asked.endsWith('.json') ? `${asked}.json` : asked;
  let counts: Record<string, number> = {};
  await writeWhole(out, kind, async (path) => {
    switch (options.format) {
      case 'jsonl':
      case 'parquet': {
        const written =
          options.format === 'jsonl' ? writeJsonl(source, path) : (await import('../export/parquet.ts')).writeParquet(source, path);
        await writeCard(source, path, written);
        counts = Object.fromEntries(written.map(({ table, rows }) => [table, rows]));
        break;
      }
      case 'csv':
        counts = { rows: writeCsv(source, path) };
        break;
      case 'tensorboard':
        counts = { events: writeTensorboard(source, path).events };
        break;
      case 'inspect':
        counts = { samples: writeInspect(source, path) };
    }
  });
  const { step } = source.view;
  const summary = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ type: 'export', file: out, kind: options.format, step, counts })}\n`
      : `${out}\n${options.format} of ${source.name} up to step ${step}: ${summary.join(', ')}\n`,
  );
  return EXIT.ok;
}
