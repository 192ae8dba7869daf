import { describe, expect, test } from 'vitest';
import { dialectFor } from '../../src/core/prompts/index.ts';
import type { InductionTask, Rollout } from '../../src/core/types.ts';
import { openDefined } from '../../src/environment/defined.ts';
import type { EnvironmentDefinition } from '../../src/environment/definition.ts';
import { gridworld } from '../../src/environment/gridworld.ts';
import { logic } from '../../src/environment/logic.ts';
import template from '../../src/environment/template.ts';
import { run } from '../../src/loop/run.ts';
import { expectExamplesAccepted } from '../core/examples.ts';
import { harness, hooks } from './harness.ts';

const say = (thought: string, answer: string): string => `<think>${thought}</think><answer>${answer}</answer>`;

interface World {
  readonly definition: EnvironmentDefinition;
  /** Valid and invalid proposals: program, input. */
  readonly proposals: readonly string[];
  readonly inputs: readonly string[];
  readonly values: readonly string[];
  readonly programs: readonly string[];
}
const WORLDS: Readonly<Record<string, World>> = {
  logic: {
    definition: logic,
    proposals: ['a & b\na=true b=false', 'a | b\na=0 b=1', 'a | !a\na=true', 'a &\na=true', 'a -> b\na=1 b=0'],
    inputs: ['a=true b=true', 'a=true b=false', 'a=false b=true', 'nonsense'],
    values: ['true', 'false', 'open', 'a=true', 'nonsense'],
    programs: ['a & b', 'a | b', 'a -> b', 'a &'],
  },
  gridworld: {
    definition: gridworld,
    proposals: ['R\n@..', 'R D\n@./..', 'L\n@.', 'walk\n@.', 'repeat (R) until wall\n@...'],
    inputs: ['@.', '@..', '.@./...', '@', '..'],
    values: ['.@ 0', '..@ 0', '.@. 0', '../.@ 0', '...@ 0', '@', 'nonsense'],
    programs: ['R', 'R D', 'repeat (R) until wall', 'L', 'walk'],
  },
  template: {
    definition: template,
    proposals: ['1 add\n4', 'dup mul\n5', 'drop\n1', 'swap swap\n1 2', 'fly\n1'],
    inputs: ['3', '4', '-5', '2 5', 'x'],
    values: ['4', '5', '25', '3', 'x'],
    programs: ['1 add', 'dup mul', 'add', 'fly'],
  },
};

describe.each(Object.entries(WORLDS))('a run in %s on the scripted engine', (name, world) => {
  const replies = (prompt: string): string[] => {
    if (prompt.startsWith('### propose induction'))
      return [
        ...[
          [0, 1, 2],
          [1, 2, 0],
          [2, 0, 1],
          [1, 0, 2],
        ].map((order) => say('spread', `${order.map((i) => world.inputs[i]).join('\n')}\nmessage: what it does`)),
        say('', 'x\ny\nz\nmessage: m'),
        'nothing',
      ];
    if (prompt.startsWith('### propose')) return world.proposals.map((proposal) => say('new', proposal));
    if (prompt.startsWith('### solve deduction')) return world.values.map((value) => say('', value));
    if (prompt.startsWith('### solve abduction')) return world.inputs.map((input) => say('', input));
    return world.programs.map((program) => say('', program));
  };
  const made = harness({
    environment: openDefined(world.definition),
    replies,
    overrides: [
      'algorithm.inductionInputs=3',
      'algorithm.inductionShown=1',
      'algorithm.proposals=6',
      'algorithm.seedFactor=0',
      'eval.suite="none"',
      `language=${name === 'template' ? './x.ts' : name}`,
    ],
  });

  test('proposes, refuses, solves and learns', async () => {
    await run(made.context, hooks);
    const rollouts = made.events.flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []));
    const of = (role: Rollout['role'], outcome: string): number =>
      rollouts.filter((it) => it.rollout.role === role && it.outcome === outcome).length;
    expect(made.events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
    expect(made.engine.policyVersion).toBe(3);
    // Right and wrong ones of both roles, with the rewards of Eq. 6.
    for (const role of ['propose', 'solve'] as const)
      for (const outcome of ['passable', 'wrong']) expect(of(role, outcome)).toBeGreaterThan(0);
    const solved = rollouts.filter((it) => it.rollout.role === 'solve' && it.rollout.step > 0);
    expect(new Set(solved.map(({ outcome, reward }) => `${outcome} ${reward}`))).toEqual(new Set(['passable 1', 'wrong -0.5']));
    expect(new Set(solved.map((it) => it.rollout.taskType)).size).toBe(3);
    expect(made.state.buffers.deduction.length).toBeGreaterThan(1);
    expect(made.state.buffers.induction.length).toBeGreaterThan(0);
    // Every answer that passed is right, every other is wrong, by the environment itself.
    const tasks = new Map(made.events.flatMap((event) => (event.type === 'tasks' ? event.tasks : [])).map((task) => [task.id, task]));
    for (const { rollout, outcome } of solved) {
      const task = tasks.get(rollout.taskId ?? '');
      if (task?.type !== 'abduction') continue;
      const execution = await made.context.environment.execute(task.program, rollout.answer);
      expect(execution.verdict === 'ok' && execution.output === task.output).toBe(outcome === 'passable');
    }
    // Formulas, plans and the like alarm nobody.
    expect(made.events.filter((event) => event.type === 'pause')).toEqual([]);
  });

  test.each(['full', 'brief'] as const)('the %s prompts show what the solver may see, and take their own examples', (style) => {
    const dialect = dialectFor('chat', made.context.environment.language, style);
    const { program, pairs } = world.definition.samples[0]!;
    const [input, output] = pairs[2]!;
    const base = { id: 't', program, step: 1, parents: [] };
    const task: InductionTask = {
      ...base,
      type: 'induction',
      message: 'a hint',
      shown: 1,
      pairs: pairs.map(([i, o]) => ({ input: i, output: o })),
    };
    const prompts = {
      deduction: dialect.solvePrompt({ ...base, type: 'deduction', input, output }),
      abduction: dialect.solvePrompt({ ...base, type: 'abduction', input, output }),
      induction: dialect.solvePrompt(task),
    };
    expect(prompts.deduction).toContain(program);
    expect(prompts.deduction).toContain(input);
    expect(prompts.abduction).toContain(output);
    expect(prompts.abduction).not.toContain(input);
    expect(prompts.induction).toContain('a hint');
    expect(prompts.induction).not.toContain(program);
    const all = [
      ...Object.values(prompts),
      dialect.proposePrompt('deduction', []),
      dialect.proposePrompt('abduction', []),
      dialect.proposeInductionPrompt(program, 3),
    ];
    expect(all.join('\n')).not.toMatch(/\bf\(|undefined|JavaScript|\ba [aeio]|\$\{/);
    expectExamplesAccepted(dialect);
    const fence = world.definition.name;
    const answer = style === 'full' ? `\`\`\`${fence}\n${program}\n\`\`\`\n\`\`\`input\n${input}\n\`\`\`` : `${program}\n${input}`;
    expect(dialect.parseProposal('deduction', answer, 3)).toEqual({ type: 'deduction', program, input });
  });
});
