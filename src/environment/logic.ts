import type { EnvironmentDefinition } from './definition.ts';
import { readAssignment, readValue, writeAssignment, writeValues } from './logic/assignment.ts';
import type { Assignment, Value } from './logic/assignment.ts';
import { readCircuit, writeCircuit } from './logic/formula.ts';
import type { Circuit, Formula } from './logic/formula.ts';
import { forced } from './logic/solver.ts';

/**
 * Propositional logic: a program is a formula (or named ones), an input an assignment, an output the value that the
 * assignment forces. Where it leaves variables out, a solver (MiniSat) decides: `true` or `false` when all that is left can
 * be chosen freely, else `open`.
 */
export const logic: EnvironmentDefinition<Circuit, Assignment> = {
  name: 'logic',
  texts: {
    program: 'formula',
    input: 'assignment',
    output: 'value',
    programForm: 'such as !a | b & c, or named ones such as s = a ^ b; c = a & b',
    inputForm: 'the values of the variables, such as a=true b=false c=true',
    outputForm: 'true, false or open, or for named formulas such as c=false s=true',
    rules: [
      'Variables are short names in small letters. Connectives are ! (not), & (and), ^ (xor), | (or), -> (implies), <-> (equivalent), in this order from tight to loose; brackets group.',
      'Several formulas are separated by semicolons, each with a name; a later one may use the names of earlier ones.',
      'Some assignment makes the formula true and some makes it false.',
      'The assignment may leave variables out if those that it gives decide the value; a value that is not decided is open.',
    ],
    examples: [
      {
        idea: 'Both must hold.',
        program: 'a & b',
        input: 'a=true b=false',
        output: 'false',
        forwards: 'b is false, so a & b is false.',
        backwards: 'One of the two must be false, say b.',
        more: [
          ['a=true b=true', 'true'],
          ['a=false b=true', 'false'],
        ],
      },
      {
        idea: 'At least one, but not c.',
        program: '(a | b) & !c',
        input: 'a=false b=true c=false',
        output: 'true',
        forwards: 'b is true, so a | b is true; c is false, so !c is true.',
        backwards: 'c must be false and b true.',
        more: [
          ['a=true b=true c=true', 'false'],
          ['a=false b=false c=false', 'false'],
        ],
      },
    ],
  },
  seed: { program: 'a & b', input: 'a=true b=true' },
  program: { read: readCircuit, write: writeCircuit },
  input: { read: readAssignment, write: writeAssignment },
  output: readValue,
  run(circuit, assignment, tick) {
    const defined = circuit.outputs.find(({ name }) => name !== null && assignment.has(name));
    if (defined) return { problem: `"${defined.name ?? ''}" is defined by the formulas; it cannot be assigned.` };
    const complete = circuit.variables.every((name) => assignment.has(name));
    const values = complete ? evaluate(circuit, assignment, tick) : forced(circuit, assignment);
    const [only] = circuit.outputs;
    if (only?.name === null) return values[0] as Value;
    return writeValues(new Map(circuit.outputs.map(({ name }, i) => [name ?? '', values[i] as Value])));
  },
  trivial(circuit, assignments, outputs) {
    const { variables } = circuit;
    if (variables.length < 2) return 'A formula has at least two variables.';
    // What the empty assignment forces does not depend on the variables at all.
    const constant = forced(circuit, new Map()).find((value) => value !== 'open');
    if (constant !== undefined) return `A formula is always ${constant}: no assignment changes it.`;
    for (const assignment of assignments)
      for (const name of assignment.keys()) if (!variables.includes(name)) return `The formula does not use "${name}".`;
    return outputs.some((output) => /open/.test(output)) ? 'The assignment leaves a value open.' : null;
  },
  samples: [
    {
      program: '(a | b) & !c',
      pairs: [
        ['a=true b=false c=false', 'true'],
        ['a=true b=true c=true', 'false'],
        ['a=false b=false c=false', 'false'],
        ['b=true c=false', 'true'],
        ['c=true', 'false'],
        ['a=true', 'open'],
      ],
      same: ['!c & (b | a)', '(a & !c) | (b & !c)', '!(a | b -> c)'],
      wrong: ['a | b & !c', '(a | b) & c', 'a & b & !c', '(a | b', 'a b', 'true', ''],
    },
    {
      program: 's = a ^ b; c = a & b',
      pairs: [
        ['a=true b=true', 'c=true s=false'],
        ['a=true b=false', 'c=false s=true'],
        ['a=false', 'c=false s=open'],
      ],
      same: ['c = a & b; s = (a | b) & !c'],
      wrong: ['s = a | b; c = a & b', 'a ^ b', 'c = a ^ b; s = a & b', 's = c; c = a & b'],
    },
    {
      program: 'a -> b -> c',
      pairs: [
        ['a=true b=true c=false', 'false'],
        ['a=true b=false c=false', 'true'],
        ['a=false b=true c=false', 'true'],
      ],
      same: ['a & b -> c', '!a | !b | c', 'a => (b => c)'],
      wrong: ['(a -> b) -> c', 'a | b -> c'],
    },
  ],
};

function evaluate(circuit: Circuit, assignment: Assignment, tick: () => void): Value[] {
  const values = new Map(assignment);
  const valueOf = (formula: Formula): boolean => {
    tick();
    switch (formula.kind) {
      case 'constant':
        return formula.value;
      case 'name':
        return values.get(formula.name) === true;
      case 'not':
        return !valueOf(formula.of);
      default:
        return JOIN[formula.kind](valueOf(formula.left), valueOf(formula.right));
    }
  };
  return circuit.outputs.map(({ name, formula }) => {
    const value = valueOf(formula);
    if (name !== null) values.set(name, value);
    return value ? 'true' : 'false';
  });
}

const JOIN: Readonly<Record<Exclude<Formula['kind'], 'constant' | 'name' | 'not'>, (left: boolean, right: boolean) => boolean>> = {
  '<->': (left, right) => left === right,
  '->': (left, right) => !left || right,
  '|': (left, right) => left || right,
  '^': (left, right) => left !== right,
  '&': (left, right) => left && right,
};
