import type { Rng } from '../core/rng.ts';
import { literal, operationsFrom, pick, randomValue, withinLimits } from './operations.ts';
import type { Constant, Kind, Operation, Value } from './operations.ts';

/** One statement: an operation with its constants; with `operand` the second parameter stands in for the constant. */
export interface Step {
  readonly operation: Operation;
  readonly constants: readonly Constant[];
  readonly operand: boolean;
}

/** A one-line function of the bundled model's language: `function f(a){let b=…;return …}`. */
export interface Program {
  readonly source: string;
  /** Number of statements, 1 – 5. */
  readonly level: number;
  readonly parameters: readonly string[];
  readonly kinds: readonly Kind[];
  readonly steps: readonly Step[];
  /** The operations by name, in order: what an induction task's message says. */
  readonly message: string;
}

/** One run of a program: the value after each statement; the last is the output. */
export interface Run {
  readonly args: readonly Value[];
  readonly values: readonly Value[];
  readonly input: string;
  readonly output: string;
}

const LOCALS = ['b', 'c', 'd', 'e'] as const;
const PARAMETER: Record<Kind, string> = { int: 'n', text: 's', list: 'a' };
const SECOND = 'm';
/** Share of programs with a second, integer parameter. */
const TWO_PARAMETERS = 0.15;

const randomConstants = (operation: Operation, random: Rng): Constant[] => operation.ranges.map((values) => pick(values, random));

/** A random program of `level` statements. Two neighbours never use the same operation. */
export function randomProgram(level: number, random: Rng): Program {
  const first = pick(['int', 'text', 'list', 'list'] as const, random);
  const operandAt = random.next() < TWO_PARAMETERS ? random.int(level) : -1;
  const steps: Step[] = [];
  let kind: Kind = first;
  for (let i = 0; i < level; i++) {
    const before = steps.at(-1)?.operation.name;
    const choices = operationsFrom(kind).filter((o) => o.name !== before && (i !== operandAt || o.operand));
    const operation = pick(choices, random);
    steps.push({ operation, constants: randomConstants(operation, random), operand: i === operandAt });
    kind = operation.to;
  }
  const kinds: Kind[] = operandAt < 0 ? [first] : [first, 'int'];
  return assemble(kinds, steps);
}

function assemble(kinds: readonly Kind[], steps: readonly Step[]): Program {
  const parameters = kinds.map((kind, i) => (i === 0 ? PARAMETER[kind] : SECOND));
  let current = parameters[0] as string;
  const statements = steps.map((step, i) => {
    const constants = step.operand ? [SECOND] : step.constants.map(String);
    const expression = step.operation.source(current, constants);
    if (i === steps.length - 1) return `return ${expression}`;
    current = LOCALS[i] as string;
    return `let ${current}=${expression};`;
  });
  return {
    source: `function f(${parameters.join(',')}){${statements.join('')}}`,
    level: steps.length,
    parameters,
    kinds,
    steps,
    message: steps.map((step) => step.operation.name).join(' '),
  };
}

/** Values after each step, or null when one leaves the limits of the language. */
function computeSteps(steps: readonly Step[], args: readonly Value[]): Value[] | null {
  const values: Value[] = [];
  let current = args[0] as Value;
  for (const step of steps) {
    current = step.operation.apply(current, step.operand ? [args[1] as number] : step.constants);
    if (!withinLimits(current)) return null;
    values.push(current);
  }
  return values;
}

export function run(program: Program, args: readonly Value[]): Run | null {
  const values = computeSteps(program.steps, args);
  if (!values) return null;
  return { args, values, input: args.map(literal).join(','), output: literal(values.at(-1) as Value) };
}

/** The second parameter is small: it counts, shifts or cuts. */
const randomArguments = (program: Program, random: Rng): Value[] =>
  program.kinds.map((kind, i) => (i === 0 ? randomValue(kind, random) : 1 + random.int(4)));

/**
 * `count` runs on distinct inputs, or null for a program that is not worth asking about: fails on most inputs,
 * hardly depends on its input, or has a statement that changes nothing.
 */
export function distinctRuns(program: Program, count: number, random: Rng): Run[] | null {
  const runs: Run[] = [];
  for (let tries = 0; tries < 3 * count && runs.length < count; tries++) {
    const made = run(program, randomArguments(program, random));
    if (made && !runs.some((other) => other.input === made.input)) runs.push(made);
  }
  if (runs.length < count) return null;
  if (new Set(runs.map((r) => r.output)).size < (program.level === 1 ? 2 : 3)) return null;
  const idle = program.steps.some((_, i) =>
    runs.every((r) => literal(r.values[i] as Value) === literal((i === 0 ? r.args[0] : r.values[i - 1]) as Value)),
  );
  return idle ? null : runs;
}

/** `b=[1,2];c=3`: the value of every local variable, in order. Empty for one statement. */
export const trace = (values: readonly Value[]): string =>
  values
    .slice(0, -1)
    .map((value, i) => `${LOCALS[i]}=${literal(value)}`)
    .join(';');

/** `c=3;b=[1,2]`: the same from the last local variable to the first, as one works back from an output. */
export const backwardTrace = (values: readonly Value[]): string =>
  values
    .slice(0, -1)
    .map((value, i) => `${LOCALS[i]}=${literal(value)}`)
    .reverse()
    .join(';');
