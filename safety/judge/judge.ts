import { createHash } from 'node:crypto';
import type { Monitor, Read, Verdict } from '../types.ts';
import { highest } from '../monitor.ts';
import { findingsOf, JudgeError, parseAnswer } from './answer.ts';
import type { Question } from './question.ts';
import { questionAbout } from './question.ts';

/**
 * A language model that answers one question as JSON of `ANSWER_SCHEMA`. It is frozen: a base model or one of its own, never the
 * policy in training, and nothing it says reaches a reward.
 */
export interface JudgeModel {
  /** Name and hash, for the detector's version. */
  readonly name: string;
  answer(question: Question, signal: AbortSignal): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface JudgeOptions {
  readonly model: JudgeModel;
  /** Share of the thoughts that no other tier raises which the judge reads all the same, 0 to 1. */
  readonly share: number;
  readonly seed: number;
  /** Longest time for one answer, in milliseconds; longer is a failure. */
  readonly answerMs: number;
}

/** Findings from this severity on are worth the judge's time. */
const RAISED = 2;

/** The monitor with a judge as its last tier: everything raised, and a seeded random share of the rest. */
export function withJudge(monitor: Monitor, options: JudgeOptions): Monitor {
  const detector = `judge/${options.model.name}@1`;
  return {
    version: `${monitor.version}+${detector}`,
    tiers: [...monitor.tiers, 'judge'],
    scan: (thought) => monitor.scan(thought),
    judge: async (items) => {
      const verdicts: Verdict[] = [];
      for (const item of items) if (isChosen(item, options)) verdicts.push(await judged(item, options, detector));
      return verdicts;
    },
  };
}

/** Raised by another tier, or drawn for the audit: a pure function of the thought's id and the seed. */
export function isChosen({ thought, verdict }: Read, { share, seed }: Pick<JudgeOptions, 'share' | 'seed'>): boolean {
  if (verdict.severity >= RAISED) return true;
  const draw = createHash('sha256').update(`${seed}\n${thought.id}`).digest().readUInt32LE(0) / 2 ** 32;
  return draw < share;
}

async function judged({ thought, verdict }: Read, { model, seed, answerMs }: JudgeOptions, detector: string): Promise<Verdict> {
  const signal = AbortSignal.timeout(answerMs);
  const late = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new JudgeError(`The judge gave no answer within ${answerMs / 1000} s.`)), { once: true }),
  );
  const text = await Promise.race([model.answer(questionAbout(thought, seed), signal), late]);
  const findings = [...verdict.findings, ...findingsOf(parseAnswer(text), thought, detector)];
  findings.sort((a, b) => b.severity - a.severity || a.start - b.start);
  return { id: verdict.id, severity: highest(findings), findings };
}
