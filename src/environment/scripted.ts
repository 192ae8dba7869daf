import { canonicalArgumentList, canonicalLiteral } from './javascript/literal.ts';
import type { Environment, Execution } from './port.ts';
import { entryProblem, inspectProgram, normaliseProgram } from './javascript/program.ts';

/** What a known program does: canonical output for a canonical argument list, or a whole verdict. */
export type ScriptedRule = (input: string) => string | Execution;

/** Programs that need no script: what they do follows from the input text alone. */
const BUILT_IN: Readonly<Record<string, ScriptedRule>> = {
  'function f(x) { return x; }': (input) => input,
  'function f(x) { return x + 1; }': (input) => String(Number(input) + 1),
  'function f(x) { return x * 2; }': (input) => String(Number(input) * 2),
  'function f(x) { return -1; }': () => '-1',
};

const fail = (verdict: Exclude<Execution['verdict'], 'ok'>, detail: string): Exclude<Execution, { verdict: 'ok' }> => ({ verdict, detail });

/**
 * A stand-in for tests of what lies above the port: nothing runs, outputs come from `rules` by program text (white
 * space and comments do not matter). Literals, integrity and the forbidden scan are the real ones.
 */
export function openScriptedEnvironment(rules: Readonly<Record<string, ScriptedRule>> = {}): Environment {
  const known = new Map(Object.entries({ ...BUILT_IN, ...rules }).map(([program, rule]) => [bare(program), rule]));
  const run = (program: string, input: string): Execution => {
    const inspection = inspectProgram(program);
    if (inspection.kind === 'invalid') return fail('error', inspection.detail);
    const banned = inspection.forbidden ?? inspection.chance;
    if (banned !== null) return fail('forbidden', banned);
    const canonical = canonicalArgumentList(input);
    if (canonical === null) return fail('unsupported', 'The input is not a list of literals.');
    const rule = known.get(bare(program));
    if (rule === undefined) return fail('error', 'The scripted environment does not know this program.');
    const outcome = rule(canonical);
    return typeof outcome === 'string' ? { verdict: 'ok', output: outcome } : outcome;
  };
  return {
    language: 'javascript',
    execute: (program, input) => Promise.resolve(run(program, input)),
    validate(program, inputs) {
      const inspection = inspectProgram(program);
      const problem = inspection.kind === 'program' && inspection.forbidden === null ? entryProblem(inspection.entry) : null;
      if (problem !== null) return Promise.resolve({ ok: false, verdict: 'error', detail: problem });
      const pairs = [];
      for (const input of inputs) {
        const execution = run(program, input);
        if (execution.verdict !== 'ok') return Promise.resolve({ ok: false, ...execution });
        pairs.push({ input: canonicalArgumentList(input) ?? '', output: execution.output });
      }
      return Promise.resolve({ ok: true, pairs });
    },
    canonicalValue: (text) => canonicalLiteral(text),
    canonicalArguments: (text) => canonicalArgumentList(text),
    normalise: normaliseProgram,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Optional semicolons before a closing brace do not make another program here. */
function bare(program: string): string {
  return normaliseProgram(program).replace(/ ; }/g, ' }');
}
