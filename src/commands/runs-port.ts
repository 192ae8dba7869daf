import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedRun, RunsPort } from '../../ui/runs.ts';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import type { RunView } from '../core/fold.ts';
import { listRuns } from '../record/folder.ts';
import { openJournalReader } from '../record/journal.ts';

/** The app's list of runs, its look at other runs, and what it does with them. */
export function runsPort(root: string, start: (dir: string) => Promise<void>): RunsPort {
  return {
    list: () => listRuns(root),
    load,
    resume: async (dir) => {
      await start(dir);
      return `${basename(dir)} goes on.`;
    },
    export: (dir) =>
      new Promise((resolve, reject) => {
        const main = process.argv[1] ?? fileURLToPath(import.meta.url);
        const child = spawn(process.execPath, [...process.execArgv, main, 'export', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
        const said = { out: '', err: '' };
        child.stdout.on('data', (chunk: Buffer) => (said.out = (said.out + chunk.toString('utf8')).slice(0, 2000)));
        child.stderr.on('data', (chunk: Buffer) => (said.err = (said.err + chunk.toString('utf8')).slice(-2000)));
        child.once('error', reject);
        child.once('close', (code) => {
          if (code === 0) resolve(`Written: ${said.out.split('\n')[0] ?? ''}`);
          else reject(new Error(said.err.trim().replace(/^kelvin: /, '') || 'The export ended without a word.'));
        });
      }),
  };
}

export function load(dir: string): LoadedRun {
  const reader = openJournalReader(dir);
  try {
    let view: RunView = EMPTY_VIEW;
    let pauses = 0;
    const starts: LoadedRun['starts'][number][] = [];
    for (const { at, event } of reader.events(0)) {
      view = fold(view, event);
      if (event.type === 'pause') pauses++;
      if (event.type === 'start') starts.push({ step: event.step, at, resumed: event.resumed });
    }
    return { view, starts, pauses };
  } finally {
    reader.close();
  }
}
