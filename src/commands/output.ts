import type { RunEvent } from '../core/events.ts';
import { jsonLine } from '../core/inert.ts';
import { createLineFormatter } from '../../ui/headless.ts';
import type { Display } from './display.ts';

export type { Display } from './display.ts';

/** Shows a run without the app: one line an event, for people, with the time before it (`log`), or JSON. Rollouts and tasks are counted, not spelled out. */
export function createOutput(display: Display, runDir: string): { readonly event: (event: RunEvent, at?: number) => void } {
  // A reader that went away (`| head`) must not stop the run.
  process.stdout.on('error', () => {});
  const format = createLineFormatter(runDir);
  const write = (text: string, at: number): void => {
    const time = display === 'log' ? `${new Date(at).toISOString()} ` : '';
    process.stdout.write(`${text.replaceAll(/^/gm, time)}\n`);
  };
  if (display === 'plain' || display === 'log') write(`Run folder: ${runDir}`, Date.now());
  return {
    event(event, at = Date.now()) {
      if (display === 'none') return;
      if (display === 'json') return void process.stdout.write(`${jsonLine(jsonEvent(event))}\n`);
      const line = format(event);
      if (line !== null) write(line, at);
    },
  };
}

function jsonEvent(event: RunEvent): unknown {
  // An event that is read again has its count, and the rollouts elsewhere.
  if (event.type === 'rollouts')
    return { type: event.type, step: event.step, count: (event as { readonly count?: number }).count ?? event.rollouts.length };
  if (event.type === 'tasks') return { type: event.type, step: event.step, count: event.tasks.length };
  return event;
}
