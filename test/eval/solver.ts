import { nanoSolvePrompt } from '../../src/core/prompts/nano.ts';
import type { Task } from '../../src/core/types.ts';

/** Right answers to the tasks of a suite, as a model would write them. */
export const solve = {
  prompt: (task: Task): string => nanoSolvePrompt(task),
  right: (task: Task): string => {
    const answer = task.type === 'deduction' ? task.output : task.type === 'abduction' ? task.input : task.program;
    return `<think>worked out</think><answer>${answer}</answer>`;
  },
};
