import Logic from 'logic-solver';
import type { Operand } from 'logic-solver';
import type { Assignment, Value } from './assignment.ts';
import type { Circuit, Formula } from './formula.ts';

/** Questions that one solver answers before a new one takes its place: it keeps what it learned, and grows. */
const QUESTIONS = 200;

let solver: InstanceType<typeof Logic.Solver> | null = null;
let asked = 0;

function satisfiable(formula: Operand): boolean {
  if (solver === null || asked++ >= QUESTIONS) [solver, asked] = [new Logic.Solver(), 1];
  return solver.solveAssuming(formula) !== null;
}

/** The outputs of a circuit as formulas of its variables alone. */
function operands(circuit: Circuit): Operand[] {
  const known = new Map<string, Operand>();
  const operandOf = (formula: Formula): Operand => {
    switch (formula.kind) {
      case 'constant':
        return formula.value ? Logic.TRUE : Logic.FALSE;
      case 'name':
        return known.get(formula.name) ?? variable(formula.name);
      case 'not':
        return Logic.not(operandOf(formula.of));
      default:
        return JOIN[formula.kind](operandOf(formula.left), operandOf(formula.right));
    }
  };
  return circuit.outputs.map(({ name, formula }) => {
    const operand = operandOf(formula);
    if (name !== null) known.set(name, operand);
    return operand;
  });
}

/** Away from names that the library keeps for itself. */
const variable = (name: string): string => `v_${name}`;

const JOIN = { '<->': Logic.equiv, '->': Logic.implies, '|': Logic.or, '^': Logic.xor, '&': Logic.and } as const;

/** What the assignment forces each output to be, whatever the variables are that it leaves out. */
export function forced(circuit: Circuit, assignment: Assignment): Value[] {
  const facts = [...assignment]
    .filter(([name]) => circuit.variables.includes(name))
    .map(([name, value]) => (value ? variable(name) : Logic.not(variable(name))));
  return operands(circuit).map((formula) => {
    if (!satisfiable(Logic.and(...facts, Logic.not(formula)))) return 'true';
    return satisfiable(Logic.and(...facts, formula)) ? 'open' : 'false';
  });
}
