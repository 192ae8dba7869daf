import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** What makes Node run `child.ts`; mode and folder follow. */
export const CHILD_ARGUMENTS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', CHILD];

/** Starts `child.ts`; resolves once it printed `lines` lines, with the last of them. */
export async function startChild(
  mode: string,
  dir: string,
  lines: number,
): Promise<{ child: ChildProcess; line: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [...CHILD_ARGUMENTS, mode, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout! })) if (++seen === lines) return { child, line, kill };
  throw new Error(`the child ended after ${seen} of ${lines} lines`);
}
