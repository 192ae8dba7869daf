import type { Command, RunEvent } from '../core/events.ts';
import type { ConductorControls } from '../loop/conductor.ts';

/** Carries out what the app and the command line ask of a live run. */
export function commandHandler(run: {
  readonly conductor: ConductorControls;
  readonly record: (events: readonly RunEvent[]) => void;
  readonly step: () => number;
}): (command: Command) => Promise<{ readonly ok: boolean; readonly message: string }> {
  const { conductor, record } = run;
  const handle = (command: Command): { ok: boolean; message: string } => {
    switch (command.command) {
      case 'pause':
        return conductor.requestPause(command.reason);
      case 'resume':
        return conductor.resume(command.reason, command.by);
      case 'stop':
        conductor.requestStop();
        return { ok: true, message: 'The run ends after this step.' };
      case 'drill':
        conductor.requestDrill();
        return { ok: true, message: 'An uh-oh thought will be planted in the next step.' };
      case 'review':
      case 'control': {
        const { command: type, id: _, ...review } = command;
        record([{ type, step: run.step(), ...review } as RunEvent]);
        return { ok: true, message: `Marked as ${command.label}.` };
      }
    }
  };
  return (command) => Promise.resolve(handle(command));
}
