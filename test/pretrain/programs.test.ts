import { describe, expect, it } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { OPERATIONS } from '../../src/pretrain/operations.ts';
import { backwardTrace, distinctRuns, randomProgram, trace } from '../../src/pretrain/programs.ts';
import type { Program, Run } from '../../src/pretrain/programs.ts';
import { sampleProgram } from '../../src/pretrain/documents.ts';

/** Runs the source text itself, with every local variable; the generator wrote it, so plain evaluation is fine. */
function execute(program: Program, run: Run): { output: string; locals: Record<string, unknown> } {
  const locals = [...program.source.matchAll(/let ([b-e])=/g)].map((match) => match[1]);
  const spied = program.source.replace(/return (.*)\}$/, (_, e: string) => `return [${e},{${locals.join(',')}}]}`);
  const [output, values] = new Function(`"use strict";return (${spied})(...${JSON.stringify(run.args)})`)() as [
    unknown,
    Record<string, unknown>,
  ];
  return { output: JSON.stringify(output), locals: values };
}

describe('the program generator', () => {
  it('repeats itself for the same seed and not for another', () => {
    const draw = (seed: number) => Array.from({ length: 40 }, () => sampleProgram(3, 'train', rng('test', seed)).program.source).join('\n');
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });

  it('computes what the source text computes, statement by statement', () => {
    const random = rng('test/traces');
    const used = new Set<string>();
    for (let i = 0; i < 600; i++) {
      const { program, runs } = sampleProgram(1 + (i % 5), 'train', random);
      for (const step of program.steps) used.add(`${step.operation.from}/${step.operation.name}`);
      for (const run of runs) {
        const real = execute(program, run);
        expect(real.output, `${program.source} on ${run.input}`).toBe(run.output);
        const told = trace(run.values);
        expect(told).toBe(
          Object.entries(real.locals)
            .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
            .join(';'),
        );
        expect(backwardTrace(run.values)).toBe(
          Object.entries(real.locals)
            .reverse()
            .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
            .join(';'),
        );
      }
    }
    expect(used.size).toBe(OPERATIONS.length);
  });

  it('asks only about programs that depend on their input', () => {
    const random = rng('test/runs');
    for (let i = 0; i < 300; i++) {
      const program = randomProgram(1 + (i % 5), random);
      const runs = distinctRuns(program, 5, random);
      if (!runs) continue;
      expect(new Set(runs.map((run) => run.input)).size).toBe(5);
      expect(new Set(runs.map((run) => run.output)).size).toBeGreaterThanOrEqual(program.level === 1 ? 2 : 3);
    }
  });
});
