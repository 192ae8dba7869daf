import type { RunEvent } from '../../core/events.ts';
import { connectControl } from '../../record/control-client.ts';
import { isAlive } from '../../record/folder.ts';
import { openJournal } from '../../record/journal.ts';
import { acquireLock } from '../../record/lock.ts';
import type { CommandBody, ControlClient } from '../../record/port.ts';

export type ReviewCommand = Extract<CommandBody, { readonly command: 'review' | 'control' }>;

/** Where answers go: to the process that runs the run, or straight into the journal of one that no process runs. */
export interface ReviewSink {
  send(command: ReviewCommand): Promise<{ readonly ok: boolean; readonly message: string }>;
  close(): void;
}

/** `step` is that of the run, for answers that this process records itself. The lock is held for one answer at a time, so that a resume is never kept out. */
export function openSink(dir: string, step: () => number): ReviewSink {
  let client: ControlClient | null = null;
  const record = (command: ReviewCommand): void => {
    using _lock = acquireLock(dir);
    using journal = openJournal(dir);
    const { command: type, ...body } = command;
    journal.append([{ type, step: step(), ...body } as RunEvent]);
  };
  return {
    async send(command) {
      if (!isAlive(dir)) {
        record(command);
        return { ok: true, message: 'recorded' };
      }
      client ??= await connectControl(
        dir,
        () => {},
        () => (client = null),
      );
      return await client.send(command);
    },
    close: () => client?.close(),
  };
}
