import { writeFileSync } from 'node:fs';
import { TASK_TYPES } from '../core/types.ts';
import { generatedCurriculum } from '../tasks/generated.ts';
import { curatedLine } from '../tasks/jsonl.ts';
import { EXIT, UsageError } from './exits.ts';

/** `kelvin tasks`: curated tasks as JSON lines, none on a held-out program (format: docs/learning.md). */
export function tasksCommand({ out, count, seed }: { readonly out: string; readonly count: number; readonly seed: number }): number {
  const curriculum = generatedCurriculum(seed);
  const lines = TASK_TYPES.flatMap((type) => curriculum(type, 0, count).map(curatedLine));
  try {
    writeFileSync(out, `${lines.join('\n')}\n`);
  } catch (error) {
    throw new UsageError(`${out} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}). Choose another --out.`);
  }
  process.stdout.write(`${lines.length} tasks, ${count} of each type: ${out}\n`);
  return EXIT.ok;
}
