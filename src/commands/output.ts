import type { RunEvent } from '../core/events.ts';
import { jsonLine } from '../core/inert.ts';
import { createLineFormatter } from '../../ui/headless.ts';

export type Display = 'plain' | 'json' | 'none';

/** Shows a run without the app: one line an event, plain or JSON. Rollouts and tasks are counted, not spelled out. */
export function createOutput(display: Display, runDir: string): { readonly event: (event: RunEvent) => void } {
  // A reader that went away (`| head`) must not stop the run.
  process.stdout.on('error', () => {});
  const format = createLineFormatter(runDir);
  if (display === 'plain') process.stdout.write(`Run folder: ${runDir}\n`);
  return {
    event(event) {
      if (display === 'json') process.stdout.write(`${jsonLine(jsonEvent(event))}\n`);
      else if (display === 'plain') {
        const line = format(event);
        if (line !== null) process.stdout.write(`${line}\n`);
      }
    },
  };
}

function jsonEvent(event: RunEvent): unknown {
  if (event.type === 'rollouts') return { type: event.type, step: event.step, count: event.rollouts.length };
  if (event.type === 'tasks') return { type: event.type, step: event.step, count: event.tasks.length };
  return event;
}
