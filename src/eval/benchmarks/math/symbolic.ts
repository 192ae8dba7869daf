import { ComputeEngine } from '@cortex-js/compute-engine';
import type { Symbolic } from './compare.ts';

/** Values for free variables: irrational-looking, and where roots and logarithms are real. */
const POINTS = [0.7312, 1.3579, 2.2361, 3.1173, 0.4142];
const MOST_VARIABLES = 6;
const CLOSE = 1e-8;

/**
 * Equality of expressions by the library's own algebra; where that cannot tell, by their values: at several points when
 * there are variables. May take without bound on hostile input, so it runs in a worker that can be ended.
 */
export function createSymbolic(): Symbolic {
  const engine = new ComputeEngine();
  type Expression = ReturnType<typeof engine.parse>;
  const valueAt = (expression: Expression, values: Readonly<Record<string, number>>): readonly [number, number] => {
    const at = Object.keys(values).length > 0 ? expression?.subs(values) : expression;
    const result = at?.N();
    return [Number(result?.re), Number(result?.im)];
  };
  const close = (a: readonly [number, number], b: readonly [number, number]): boolean | null => {
    if (![...a, ...b].every(Number.isFinite)) return null;
    const size = Math.max(1, Math.hypot(...a), Math.hypot(...b));
    return Math.hypot(a[0] - b[0], a[1] - b[1]) <= CLOSE * size;
  };
  return (left, right) => {
    const [a, b] = [engine.parse(left), engine.parse(right)];
    if (!a.isValid || !b.isValid) return null;
    if (a.isSame(b)) return true;
    const names = [...new Set([...a.unknowns, ...b.unknowns])].sort();
    if (names.length > MOST_VARIABLES) return a.isEqual(b) ?? null;
    let compared = 0;
    for (let point = 0; point < (names.length > 0 ? POINTS.length : 1); point++) {
      const values = Object.fromEntries(names.map((name, i) => [name, (POINTS[(point + i) % POINTS.length] ?? 1) + 0.1 * i]));
      const equal = close(valueAt(a, values), valueAt(b, values));
      if (equal === false) return false;
      if (equal) compared++;
    }
    return compared > 0 ? true : (a.isEqual(b) ?? null);
  };
}
