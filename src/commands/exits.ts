import { recordError } from '../record/errors.ts';

/** Exit codes of every command (table: docs/cli.md). */
export const EXIT = {
  ok: 0,
  /** A fault that should not happen; the message asks for a report. */
  fault: 1,
  /** What was typed or configured is wrong: the message names the key or option. */
  usage: 2,
  /** A model or adapter file is missing, damaged or not supported. */
  model: 3,
  /** A run folder is full, unwritable, missing or damaged. */
  record: 4,
  /** Another process holds the run. */
  locked: 5,
  /** The run is paused and waits for a person (with --exit-on-pause, or resume without a reason). */
  paused: 6,
  /** A drill or check did not pass. */
  failed: 7,
  /** A server that the run trains on was lost or failed; the run goes on from its last complete step. */
  server: 8,
  /** Stopped by SIGINT or SIGTERM after a clean checkpoint. */
  interrupted: 130,
  terminated: 143,
} as const;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What happened first, when closing failed as well; a fault of the disk as a `RecordError`. */
function causeOf(error: unknown): unknown {
  let first = error;
  while ((first as { name?: unknown } | null)?.name === 'SuppressedError') first = (first as SuppressedError).suppressed;
  const { syscall, errcode } = (first ?? {}) as { syscall?: unknown; errcode?: unknown };
  return syscall !== undefined || errcode !== undefined ? recordError(first, 'The disk refused') : first;
}

/** The exit code and the sentence for an error that reached the top. */
export function explain(thrown: unknown): { readonly code: number; readonly message: string } {
  const error = causeOf(thrown);
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : '';
  const code = (error as { code?: unknown } | null)?.code;
  if (name === 'ConfigError' || name === 'UsageError' || name === 'SuiteError' || name === 'EnvironmentError')
    return { code: EXIT.usage, message };
  if (name === 'TemplateError') return { code: EXIT.model, message };
  if (name === 'ServingError') return { code: EXIT.server, message };
  if (name === 'EngineError' && code === 'server') return { code: EXIT.server, message };
  if (name === 'EngineError') return { code: code === 'native' || code === 'stale' ? EXIT.fault : EXIT.model, message };
  if (name === 'RecordError') return { code: code === 'locked' ? EXIT.locked : EXIT.record, message };
  if (code === 'EPIPE') return { code: EXIT.ok, message: '' };
  return { code: EXIT.fault, message: `${message}\n(This should not happen. Run again with KELVIN_TRACE=1 and report what it prints.)` };
}
