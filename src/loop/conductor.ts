import type { PauseCause } from '../core/events.ts';
import type { Conductor } from './context.ts';

export interface ConductorControls extends Conductor {
  readonly paused: boolean;
  /** Lets a paused run go on; a reason is required. Returns what to tell the person who asked. */
  resume(reason: string, by: string): { readonly ok: boolean; readonly message: string };
  requestPause(reason: string): { readonly ok: boolean; readonly message: string };
  requestStop(): void;
  requestDrill(): void;
}

export interface ConductorHooks {
  readonly onPause: (cause: PauseCause, reason: string, rolloutId: string | null) => void;
  readonly onResume: (reason: string, by: string) => void;
}

/**
 * Holds a run's wishes: pause, resume, stop, drill. A pause is recorded before anything waits on it, so that it
 * survives SIGKILL (promise 4); only `resume` with a reason, or a stop, ends the waiting.
 */
export function createConductor(hooks: ConductorHooks, startPaused = false): ConductorControls {
  let paused = startPaused;
  let stopping = false;
  let drill = false;
  let wake: (() => void)[] = [];
  const wakeAll = (): void => {
    for (const resolve of wake) resolve();
    wake = [];
  };
  const pause = (cause: PauseCause, reason: string, rolloutId: string | null): void => {
    paused = true;
    hooks.onPause(cause, reason, rolloutId);
  };
  return {
    get stopping() {
      return stopping;
    },
    get paused() {
      return paused;
    },
    pause,
    async proceed() {
      while (paused && !stopping) await new Promise<void>((resolve) => wake.push(resolve));
      return !(paused && stopping);
    },
    takeDrill() {
      const wanted = drill;
      drill = false;
      return wanted;
    },
    resume(reason, by) {
      if (!paused) return { ok: false, message: 'The run is not paused.' };
      if (reason.trim() === '') return { ok: false, message: 'Resuming needs a reason; it goes into the audit log.' };
      hooks.onResume(reason.trim(), by);
      paused = false;
      wakeAll();
      return { ok: true, message: 'The run goes on.' };
    },
    requestPause(reason) {
      if (paused) return { ok: false, message: 'The run is paused already.' };
      pause('user', reason.trim() || 'asked for by a person', null);
      return { ok: true, message: 'The run pauses before the next optimiser step.' };
    },
    requestStop() {
      stopping = true;
      wakeAll();
    },
    requestDrill() {
      drill = true;
    },
  };
}
