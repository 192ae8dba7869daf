import { inline, jsonLine } from '../core/inert.ts';
import { listRuns } from '../record/folder.ts';
import { runsRoot } from './paths.ts';

/** `kelvin runs`: what is in the runs folder, newest first. */
export function runsCommand(options: { readonly json: boolean; readonly root?: string | undefined }): number {
  const runs = listRuns(options.root ?? runsRoot());
  if (options.json) {
    for (const run of runs) process.stdout.write(`${jsonLine(run)}\n`);
    return 0;
  }
  if (runs.length === 0) {
    process.stdout.write('No runs yet. `kelvin start` makes the first one.\n');
    return 0;
  }
  for (const run of runs) {
    const from = run.parent ? `  forked from ${inline(run.parent.run)} at step ${run.parent.step}` : '';
    process.stdout.write(
      `${inline(run.name).padEnd(32)} ${run.state.padEnd(9)} step ${String(run.step).padStart(5)}  ${run.started}${from}\n`,
    );
  }
  return 0;
}
