import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BACK_MS = 50;

type Work = () => void | Promise<void>;
type Env = Readonly<Record<string, string | undefined>>;

export interface Lender {
  /** Tells how the terminal is given away; Ink takes it back when the work is done. */
  readonly register: (lend: (work: Work) => Promise<void>) => void;
  readonly show: (text: string, how: 'pager' | 'editor') => Promise<void>;
  /** Runs a command of Kelvin on the terminal. */
  readonly command: (args: readonly string[], paged: boolean) => Promise<void>;
  readonly suspend: () => void;
  /** Whether another program has the terminal: Ctrl-C is its own then. */
  readonly busy: () => boolean;
}

/** `$PAGER`, `$VISUAL` or `$EDITOR` as the person set them, else what every system has. */
export const programFor = (how: 'pager' | 'editor', env: Env, platform: NodeJS.Platform): string =>
  how === 'pager'
    ? (env['PAGER'] ?? (platform === 'win32' ? 'more' : 'less'))
    : (env['VISUAL'] ?? env['EDITOR'] ?? (platform === 'win32' ? 'notepad' : 'vi'));

/** Lends the terminal to other programs and to the shell. */
/** `kelvin`: how a command of Kelvin is started, program first. */
export function lender(env: Env, platform: NodeJS.Platform = process.platform, kelvin: readonly string[] = []): Lender {
  let lend: ((work: Work) => Promise<void>) | null = null;
  let busy = false;
  const lent = async (work: Work): Promise<void> => {
    if (busy || !lend) throw new Error('The terminal is not free.');
    busy = true;
    try {
      await lend(work);
    } finally {
      busy = false;
    }
  };

  return {
    register: (how) => void (lend = how),
    show: async (text, how) => {
      const folder = mkdtempSync(join(tmpdir(), 'kelvin-'));
      const file = join(folder, 'thought.txt');
      try {
        // Only this person reads it; what is changed in the editor changes nothing.
        writeFileSync(file, text, { mode: 0o600 });
        await lent(() => run(programFor(how, env, platform), file, platform));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    command: (args, paged) => lent(() => runKelvin([...kelvin, ...args], paged ? programFor('pager', env, platform) : null, platform)),
    busy: () => busy,
    suspend: () => {
      if (platform === 'win32') return;
      void lent(async () => {
        // The whole group: the launcher has to stop as well, or the shell would wait for it.
        process.kill(0, 'SIGTSTP');
        // While stopped no time passes here. Where nobody can continue a process, the system does not stop it: the window comes back.
        await new Promise((resolve) => setTimeout(resolve, BACK_MS));
      }).catch(() => undefined);
    },
  };
}

/** The program may bring options, so the shell takes it apart; the file is handed over as an argument, never as text. */
function run(program: string, file: string, platform: NodeJS.Platform): Promise<void> {
  return new Promise((resolve, reject) => {
    const child =
      platform === 'win32'
        ? spawn(program, [file], { stdio: 'inherit', shell: true })
        : spawn('sh', ['-c', `${program} "$1"`, 'sh', file], { stdio: 'inherit' });
    child.once('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    child.once('exit', (code) => (code === 127 ? reject(new Error(`${program} was not found.`)) : resolve()));
  });
}

/** The output stays on the terminal, or in a pager, until the person has read it. */
function runKelvin(command: readonly string[], pager: string | null, platform: NodeJS.Platform): Promise<void> {
  const script = pager === null ? '"$@"; printf "\\nEnter goes back to the app. "; read -r _' : `"$@" 2>&1 | ${pager}`;
  const [program = '', ...rest] = platform === 'win32' ? command : ['sh', '-c', script, 'sh', ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: 'inherit' });
    child.once('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    child.once('exit', () => resolve());
  });
}
