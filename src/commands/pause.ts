import { sanitise } from '../core/inert.ts';
import { connectControl } from '../record/control-client.ts';
import { findRun } from '../record/folder.ts';
import type { CommandBody } from '../record/port.ts';
import { EXIT } from './exits.ts';
import { runsRoot } from './paths.ts';

/** Sends one command to a live run and prints its answer. */
export async function order(runDir: string, command: CommandBody): Promise<number> {
  const client = await connectControl(runDir, () => {});
  try {
    const { ok, message } = await client.send(command);
    process.stdout.write(`${sanitise(message)}\n`);
    return ok ? EXIT.ok : EXIT.usage;
  } finally {
    client.close();
  }
}

/** `kelvin pause RUN`: the run pauses before its next optimiser step; the pause survives a restart. */
export const pauseCommand = (run: string, reason: string): Promise<number> =>
  order(findRun(runsRoot(), run).dir, { command: 'pause', reason });
