import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../config.ts';
import type { Config } from '../config.ts';
import { rng, sampleWithoutReplacement } from '../core/rng.ts';
import type { Curated, Curriculum, Task, TaskType } from '../core/types.ts';

/**
 * Curated tasks in a JSON Lines file (docs/learning.md): one task a line.
 * `{"type":"deduction","program":"function f(a){…}","input":"[1,2]","output":"3","trace":"…"}`, the same with `abduction`;
 * `{"type":"induction","program":…,"pairs":[{"input":…,"output":…},…],"shown":3,"message":"…","trace":"…"}`.
 * `input` is the argument list as source text. `trace` is the expert's thought; `rlvr` does without.
 */
const text = z.string().min(1);
const pair = z.strictObject({ input: z.string(), output: text });
const row = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('deduction'), program: text, ...pair.shape, trace: z.string().optional() }),
  z.strictObject({ type: z.literal('abduction'), program: text, ...pair.shape, trace: z.string().optional() }),
  z
    .strictObject({
      type: z.literal('induction'),
      program: text,
      pairs: z.array(pair).min(2),
      shown: z.number().int().positive().optional(),
      message: text,
      trace: z.string().optional(),
    })
    .refine(({ pairs, shown = 1 }) => shown < pairs.length, { message: 'at least one pair stays hidden', path: ['shown'] }),
]);
type Row = z.infer<typeof row>;

/** One line of such a file, without its end. */
export function curatedLine({ task, trace }: Curated): string {
  const thought = trace === null ? {} : { trace };
  if (task.type !== 'induction') {
    const { type, program, input, output } = task;
    return JSON.stringify({ type, program, input, output, ...thought } satisfies Row);
  }
  const { type, program, pairs, shown, message } = task;
  return JSON.stringify({ type, program, pairs: [...pairs], shown, message, ...thought } satisfies Row);
}

interface NumberedRow {
  readonly line: number;
  readonly row: Row;
}

/** All rows with their line numbers. Throws `ConfigError` that names file and line. */
export function readRows(file: string): NumberedRow[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}). Check "data".`);
  }
  return content.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ line: i + 1, row: parseRow(line, `${file}:${i + 1}`) }]));
}

function parseRow(line: string, where: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new ConfigError(`${where} is not JSON: ${(error as Error).message}.`);
  }
  const result = row.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigError(`${where}: "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}. docs/learning.md shows the format.`);
}

/**
 * The rows of a file, each type in a shuffled order of its own that is drawn anew for every pass over the file.
 * Throws `ConfigError` when a task type of the config has no row.
 */
export function jsonLinesCurriculum(
  file: string,
  { seed, algorithm, paradigm }: Pick<Config, 'seed' | 'algorithm' | 'paradigm'>,
): Curriculum {
  const rows = readRows(file);
  const byType = Map.groupBy(rows, ({ row: { type } }) => type);
  for (const type of algorithm.taskTypes) {
    const ofType = byType.get(type);
    if (!ofType) throw new ConfigError(`${file} holds no ${type} task. Add some, or leave ${type} out of "algorithm.taskTypes".`);
    if (paradigm === 'sft' && ofType.every(({ row: { trace } }) => trace === undefined))
      throw new ConfigError(`${file}: no ${type} task has a "trace", and "paradigm": "sft" learns from traces. Add them, or take "rlvr".`);
  }
  const passes = new Map<string, readonly NumberedRow[]>();
  const passOf = (type: TaskType, pass: number): readonly NumberedRow[] => {
    const key = `${type} ${pass}`;
    const known = passes.get(key);
    if (known) return known;
    const all = byType.get(type) ?? [];
    const order = sampleWithoutReplacement(all, all.length, rng('data', seed, type, pass));
    if (passes.size > 8) passes.clear();
    passes.set(key, order);
    return order;
  };
  return (type, from, count) => {
    const size = byType.get(type)?.length ?? 0;
    return Array.from({ length: size === 0 ? 0 : count }, (_, i) => {
      const number = from + i;
      const chosen = passOf(type, Math.floor(number / size))[number % size] as NumberedRow;
      return {
        task: taskOf(chosen.row, `line${chosen.line}-${type}-${number}`, algorithm.inductionShown),
        trace: chosen.row.trace ?? null,
      };
    });
  };
}

function taskOf(item: Row, id: string, usuallyShown: number): Task {
  const base = { id, program: item.program, step: 0, parents: [] };
  if (item.type !== 'induction') return { ...base, type: item.type, input: item.input, output: item.output };
  const shown = item.shown ?? Math.min(usuallyShown, item.pairs.length - 1);
  return { ...base, type: item.type, pairs: item.pairs, shown, message: item.message };
}
