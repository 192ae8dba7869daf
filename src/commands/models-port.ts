import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ModelRow, ModelsPort } from '../../ui/models.ts';
import { splitLines } from './lines.ts';

const LONGEST_LINE = 1 << 20;

/** The app's list of models, made by `kelvin models` in a process of its own, so that the window never waits. */
export function modelsPort(): ModelsPort {
  const running = new Set<ChildProcess>();

  async function kelvin(args: readonly string[], onLine: (line: object) => void): Promise<void> {
    const main = process.argv[1] ?? fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, [...process.execArgv, main, 'models', ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    try {
      let words = '';
      child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-2000)));
      const ended = new Promise<number>((resolve) => {
        child.once('error', () => resolve(1));
        child.once('close', (code) => resolve(code ?? 1));
      });
      for await (const line of splitLines(child.stdout, LONGEST_LINE)) if (line) onLine(JSON.parse(line) as object);
      if ((await ended) !== 0) throw new Error(words.trim().replace(/^kelvin: /, '') || 'The process that works on models ended.');
    } finally {
      running.delete(child);
    }
  }

  return {
    async list() {
      const rows: ModelRow[] = [];
      await kelvin([], (line) => rows.push(line as ModelRow));
      return rows;
    },
    fetch: (uri, onProgress) =>
      kelvin(['add', uri], (line) => {
        const { type, done, total } = line as { type?: unknown; done?: unknown; total?: unknown };
        if (type === 'download' && typeof done === 'number' && typeof total === 'number') onProgress(done, total);
      }),
    close: () => {
      for (const child of running) child.kill();
    },
  };
}
