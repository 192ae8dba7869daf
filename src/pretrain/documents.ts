import type { Rng } from '../core/rng.ts';
import { literal, pick } from './operations.ts';
import type { Value } from './operations.ts';
import { backwardTrace, distinctRuns, randomProgram, trace } from './programs.ts';
import type { Program, Run, Step } from './programs.ts';
import { splitOf } from './split.ts';
import type { Split } from './split.ts';
import type { Vocabulary } from './vocabulary.ts';
import { nanoProposeInductionPrompt, nanoProposePrompt, nanoSolvePrompt } from '../core/prompts/nano.ts';

/** A stretch of a document and how much its tokens count in the loss. `end` closes it with the end token. */
export interface Piece {
  readonly text: string;
  readonly weight: number;
  readonly end?: true;
}

export interface DocumentOptions {
  /** Share of answers that show a thought before them. */
  readonly thinkShare: number;
  /** Factor on that share by kind of document; 1 where it says nothing. */
  readonly thinkFactor?: Readonly<Partial<Record<DocumentKind, number>>> | undefined;
  /** Weight of each kind of document. */
  readonly mix: Readonly<Record<DocumentKind, number>>;
  /** Weight of each level, 1 – 5. */
  readonly levels: readonly number[];
  /** Weight of prompt tokens in the loss. */
  readonly promptWeight: number;
}

export type DocumentKind = 'deduction' | 'abduction' | 'induction' | 'proposeTriplet' | 'proposeInputs';

/** Pairs of an induction task: shown to the solver and in all. */
export const SHOWN_PAIRS = 3;
export const INDUCTION_PAIRS = 5;
export interface Sample {
  readonly program: Program;
  readonly runs: readonly Run[];
}

/** A random index by weight. */
export function weighted(weights: readonly number[], random: Rng): number {
  let rest = random.next() * weights.reduce((a, b) => a + b, 0);
  const at = weights.findIndex((weight) => (rest -= weight) < 0);
  return at < 0 ? weights.length - 1 : at;
}

/** A program of the level and split with five runs on distinct inputs. */
export function sampleProgram(level: number, split: Split, random: Rng): Sample {
  for (;;) {
    const program = randomProgram(level, random);
    if (splitOf(program.source) !== split) continue;
    const runs = distinctRuns(program, INDUCTION_PAIRS, random);
    if (runs) return { program, runs };
  }
}

const TASK = { id: '', step: 0, parents: [] } as const;

/** A document on programs of the training split: the first prompt has exactly the form that self-play uses. */
export function randomDocument(options: DocumentOptions, random: Rng): Piece[] {
  const kinds = Object.keys(options.mix) as DocumentKind[];
  const kind = kinds[weighted(Object.values(options.mix), random)] as DocumentKind;
  const sample = (): Sample => sampleProgram(1 + weighted(options.levels, random), 'train', random);
  const share = options.thinkShare * (options.thinkFactor?.[kind] ?? 1);
  const thinks = (): boolean => random.next() < share;
  const prompt = (text: string): Piece => ({ text, weight: options.promptWeight });
  const target = sample();
  const { program, runs } = target;
  switch (kind) {
    case 'deduction':
      return shuffled(runs, random)
        .slice(0, 4)
        .flatMap((made, i) => [
          prompt(i === 0 ? nanoSolvePrompt({ ...TASK, type: 'deduction', program: program.source, ...made }) : `input: ${made.input}\n`),
          ...answer(thinks() ? [{ text: trace(made.values), weight: 1 }] : [], made.output),
        ]);
    case 'abduction':
      return shuffled(runs, random)
        .slice(0, 3)
        .flatMap((made, i) => [
          prompt(i === 0 ? nanoSolvePrompt({ ...TASK, type: 'abduction', program: program.source, ...made }) : `output: ${made.output}\n`),
          ...answer(thinks() ? [{ text: backwardTrace(made.values), weight: 1 }] : [], made.input),
        ]);
    case 'induction':
      return [
        prompt(
          nanoSolvePrompt({
            ...TASK,
            type: 'induction',
            program: program.source,
            pairs: runs,
            shown: SHOWN_PAIRS,
            message: program.message,
          }),
        ),
        ...answer(thinks() ? [{ text: plan(program.steps, (runs[0] as Run).values), weight: 1 }] : [], program.source),
      ];
    case 'proposeTriplet': {
      const references = Array.from({ length: random.next() < 0.35 ? 1 : 2 }, () => reference(sample(), random));
      const thought = thinks() ? [{ text: program.message, weight: 1 }] : [];
      return [
        prompt(nanoProposePrompt(pick(['deduction', 'abduction'] as const, random), references)),
        ...answer(thought, `${program.source}\n${(runs[0] as Run).input}`),
      ];
    }
    case 'proposeInputs':
      return [
        prompt(nanoProposeInductionPrompt(program.source)),
        ...answer([], `${runs.map((made) => made.input).join('\n')}\nmessage: ${program.message}`),
      ];
  }
}

const reference = ({ program, runs }: Sample, random: Rng) => ({ program: program.source, ...pick(runs, random) });

const answer = (thought: readonly Piece[], text: string): Piece[] => [
  { text: '<think>', weight: 1 },
  ...thought,
  { text: `</think><answer>${text}</answer>`, weight: 1, end: true },
];

/** `map 2=[3,4];sum=7`: each operation with its constants and what it makes of the first shown pair. */
const plan = (steps: readonly Step[], values: readonly Value[]): string =>
  steps
    .map((step, i) => `${[step.operation.name, ...(step.operand ? ['m'] : step.constants)].join(' ')}=${literal(values[i] as Value)}`)
    .join(';');

function shuffled<T>(items: readonly T[], random: Rng): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/** Token ids of a document and the loss weight of each. Prompts and completions are cut apart as in self-play. */
export function encodeDocument(pieces: readonly Piece[], vocabulary: Vocabulary): { ids: number[]; weights: number[] } {
  const ids: number[] = [];
  const weights: number[] = [];
  let [text, marks] = ['', [] as { from: number; weight: number }[]];
  const flush = (): void => {
    let at = 0;
    for (const id of vocabulary.encode(text)) {
      ids.push(id);
      weights.push(marks.findLast((mark) => mark.from <= at)?.weight ?? 0);
      at += vocabulary.decode([id]).length;
    }
    [text, marks] = ['', []];
  };
  pieces.forEach((piece, i) => {
    // A completion starts with its own token, whatever precedes it.
    if (i > 0 && piece.text.startsWith('<think>')) flush();
    if (piece.text !== '') marks.push({ from: text.length, weight: piece.weight });
    text += piece.text;
    if (piece.end) {
      flush();
      ids.push(vocabulary.eos);
      weights.push(piece.weight);
    }
  });
  flush();
  return { ids, weights };
}
