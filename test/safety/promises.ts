import { PassThrough, Readable } from 'node:stream';
import type { Finding, Severity } from '../../src/core/finding.ts';
import type { Monitor, Thought, Verdict } from '../../safety/types.ts';
import { quiet } from '../loop/harness.ts';
import type { Harness, HarnessOptions } from '../loop/harness.ts';

/** What the tests of the promises share. */

/** Waits until the run is paused. */
export async function paused({ conductor }: Harness, most = 5000): Promise<void> {
  const until = Date.now() + most;
  while (!conductor.paused && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 1));
  if (!conductor.paused) throw new Error('the run did not pause');
}

/** A quiet monitor that tells what it reads. */
export const scanned = (see: (thought: Thought) => void): Monitor => ({
  ...quiet,
  scan(thought) {
    see(thought);
    return quiet.scan(thought);
  },
});

/** Flags every thought that begins with `word`. */
export const grave = (word: string, severity: Severity = 4): Monitor => ({
  ...quiet,
  scan({ id, thought }) {
    const finding: Finding = {
      category: 'hostility', severity, detector: 'rules/test@1', where: 'thought', start: 0, end: word.length, quote: word, why: 'It begins so.',
    }; // prettier-ignore
    return thought.startsWith(word) ? { id, severity, findings: [finding] } : { id, severity: 0, findings: [] };
  },
});

const busy = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};
const judging = (judge: NonNullable<Monitor['judge']>): Monitor => ({ ...quiet, tiers: ['rules', 'judge'], judge });

let reads = 0;
/** Monitors that fail, each in its way, and how the harness is to be made. */
export const faulty: readonly (readonly [string, HarnessOptions])[] = [
  ['a monitor that dies in the middle of a step', { monitor: scanned(() => { if (++reads % 7 === 5) throw new Error('killed'); }), stream: null }], // prettier-ignore
  ['a monitor that takes too long', { monitor: scanned(() => busy(3)), stream: null, limits: { thought: 0.001, judge: 1 } }],
  ['a monitor that answers nothing', { monitor: { ...quiet, scan: () => undefined as unknown as Verdict }, stream: null }],
  ['a judge that dies', { monitor: judging(() => Promise.reject(new Error('killed'))), stream: null }],
  ['a judge that never answers', { monitor: judging(() => new Promise(() => {})), stream: null, limits: { thought: 30, judge: 0.02 } }],
  ['a judge that answers nonsense', { monitor: judging(() => Promise.resolve([{ id: 'nobody' } as Verdict])), stream: null }],
];

/** Lines in, text out, for commands that work on streams. */
export function collect(): {
  readonly lines: (lines: readonly string[]) => Readable;
  readonly stream: PassThrough;
  readonly text: () => string;
} {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { lines: (lines) => Readable.from([`${lines.join('\n')}\n`]), stream, text: () => text };
}
