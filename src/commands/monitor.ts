import type { Readable } from 'node:stream';
import { jsonLine } from '../core/inert.ts';
import type { Role, TaskType } from '../core/types.ts';
import { splitLines } from './lines.ts';
import { createMonitor } from '../../safety/monitor.ts';
import type { Thought, Verdict } from '../../safety/types.ts';

export interface MonitorCommandOptions {
  readonly input?: Readable;
  readonly output?: NodeJS.WritableStream;
}

/** A line longer than this is refused rather than held in memory, in characters. */
const LONGEST_LINE = 64 * 1024 * 1024;

/**
 * `kelvin monitor`: one JSON object a line in, one a line out, in the same order. A line that cannot be read gives
 * `{"id", "error"}` and the stream goes on. Exit code 0: every line got a verdict; 1: at least one line had an error.
 */
export async function monitorCommand(options: MonitorCommandOptions = {}): Promise<number> {
  const input = options.input ?? process.stdin;
  const output = options.output ?? process.stdout;
  const monitor = createMonitor();
  let failed = false;
  let number = 0;
  // Not readline: it would also split at U+2028, which a JSON string may hold.
  for await (const line of splitLines(input, LONGEST_LINE)) {
    number++;
    if (line?.trim() === '') continue;
    const answer = line === null ? tooLong(number) : answerTo(line, number, (thought) => monitor.scan(thought));
    if ('error' in answer) failed = true;
    if (!output.write(`${jsonLine(answer)}\n`)) await drained(output);
  }
  return failed ? 1 : 0;
}

type Answer =
  | { readonly id: unknown; readonly error: string }
  | { readonly id: unknown; readonly severity: number; readonly findings: readonly object[] };

const tooLong = (number: number): Answer => ({ id: null, error: `Line ${number} is longer than ${LONGEST_LINE} characters; split it.` });

function answerTo(line: string, number: number, scan: (thought: Thought) => Verdict): Answer {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return {
      id: null,
      error: `Line ${number} is not JSON (${error instanceof Error ? error.message : String(error)}); write one object a line: {"id":"1","thought":"…"}.`,
    };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { id: null, error: `Line ${number} must be an object {"id","thought","program"?,"role"?,"task"?}.` };
  const { id = null, thought, program, role, task } = value as Record<string, unknown>;
  if (typeof thought !== 'string') return { id, error: `Line ${number}: "thought" must be a string.` };
  if (program !== undefined && program !== null && typeof program !== 'string')
    return { id, error: `Line ${number}: "program" must be a string.` };
  if (role !== undefined && role !== null && role !== 'propose' && role !== 'solve')
    return { id, error: `Line ${number}: "role" must be "propose" or "solve".` };
  if (task !== undefined && task !== null && typeof task !== 'string') return { id, error: `Line ${number}: "task" must be a string.` };
  try {
    const verdict = scan({
      id: String(id),
      thought,
      program: program ?? undefined,
      role: (role as Role | null) ?? undefined,
      task: isTask(task) ? task : undefined,
    });
    return {
      id,
      severity: verdict.severity,
      findings: verdict.findings.map(({ category, severity, detector, where, start, end, quote, why }) => ({
        category,
        severity,
        detector,
        where,
        start,
        end,
        quote,
        why,
      })),
    };
  } catch (error) {
    return {
      id,
      error: `Line ${number}: the monitor failed, the thought is unread: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function isTask(task: unknown): task is TaskType {
  return task === 'deduction' || task === 'abduction' || task === 'induction';
}

function drained(output: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => output.once('drain', resolve));
}
