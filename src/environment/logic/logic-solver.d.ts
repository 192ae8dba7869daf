/** The part of logic-solver (MiniSat) that `logic.ts` uses. */
declare module 'logic-solver' {
  /** A variable by its name, or a formula made of others. */
  export type Operand = string | { readonly type: string };
  export interface Solver {
    /** A solution under the assumption, or null. */
    solveAssuming(assumption: Operand): object | null;
  }
  const Logic: {
    readonly TRUE: string;
    readonly FALSE: string;
    readonly Solver: new () => Solver;
    not(operand: Operand): Operand;
    and(...operands: Operand[]): Operand;
    or(...operands: Operand[]): Operand;
    xor(...operands: Operand[]): Operand;
    implies(left: Operand, right: Operand): Operand;
    equiv(left: Operand, right: Operand): Operand;
  };
  export default Logic;
}
