import type { InductionTask, Role, Task, TaskType, TripletTask } from '../types.ts';

/** A task as a model writes it, before the environment has judged it. */
export type Proposal =
  | { readonly type: 'deduction' | 'abduction'; readonly program: string; readonly input: string }
  | { readonly type: 'induction'; readonly inputs: readonly string[]; readonly message: string };

/** A question to a model: a prompt of the dialect and what it is for. */
export interface Question {
  readonly role: Role;
  readonly taskType: TaskType;
  readonly prompt: string;
}

/** A question and the whole reply to it. */
export interface Turn {
  readonly user: string;
  readonly assistant: string;
}

/**
 * How the six prompts and the answers to them are written for one kind of model. The algorithm is the same for
 * all; only the words differ. Structure of the prompts: docs/algorithm.md.
 */
export interface Dialect {
  /** A worked example that stands before a question as earlier turns of the conversation; none where absent. */
  readonly examples?: (role: Role, taskType: TaskType) => readonly Turn[];
  readonly name: string;
  /** Text that the prompt already put at the start of the completion (`<think>` for base models), else ''. */
  readonly opening: string;
  /** Texts that end a completion, besides the model's own end token. */
  readonly stop: readonly string[];
  proposePrompt(type: 'deduction' | 'abduction', references: readonly TripletTask[]): string;
  proposeInductionPrompt(program: string, inputs: number): string;
  solvePrompt(task: Task): string;
  /** The proposal inside an answer, or the reason why there is none. */
  parseProposal(type: TaskType, answer: string, inputs: number): Proposal | { readonly malformed: string };
  /** The value, argument list or program inside an answer, or the reason why there is none. */
  parseSolution(type: TaskType, answer: string): { readonly solution: string } | { readonly malformed: string };
  /** An answer that `parseSolution` reads as `solution`: how an expert would write it. */
  writeSolution(type: TaskType, solution: string): string;
}

/** The pairs that the solver of an induction task may see. */
export const shownPairs = (task: InductionTask): InductionTask['pairs'] => task.pairs.slice(0, task.shown);
