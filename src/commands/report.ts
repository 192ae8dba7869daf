import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { htmlReport } from '../export/report.ts';
import { openSource } from '../export/source.ts';
import { writeWhole } from '../export/target.ts';
import { findRun } from '../record/folder.ts';
import { EXIT } from './exits.ts';
import { runsRoot } from './paths.ts';

/** `kelvin report RUN`: one HTML page about a run, live or ended, that opens offline. */
export async function reportCommand(options: {
  readonly run: string;
  readonly out?: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  using source = openSource(dir);
  const out = resolve(options.out ?? `${source.name}-report.html`);
  await writeWhole(out, 'file', (path) => writeFileSync(path, htmlReport(source, new Date()), { flag: 'wx' }));
  process.stdout.write(options.json ? `${JSON.stringify({ type: 'report', file: out, step: source.view.step })}\n` : `${out}\n`);
  return EXIT.ok;
}
