import type { Inspection, LanguageRules } from '../language.ts';
import { canonicalArgumentList, canonicalLiteral, encodeArguments, readArguments, renderArguments } from './literal.ts';
import { entryProblem, inspectProgram, normaliseProgram } from './program.ts';

/** JavaScript as a task language, seen from the host: acorn reads it, nothing runs it here. */
export const javascriptRules: LanguageRules = {
  language: 'javascript',
  title: 'JavaScript',
  probe: 'function f(x) { return x + 1 }',
  recycleMb: { process: 200, worker: 100 },
  inspect(program): Inspection {
    const inspection = inspectProgram(program);
    if (inspection.kind === 'invalid') return inspection;
    const { entry, forbidden, chance } = inspection;
    return { kind: 'program', problem: entryProblem(entry), forbidden, chance };
  },
  readArguments(text, maxChars) {
    const values = readArguments(text, maxChars);
    return values && { source: renderArguments(values), canonical: encodeArguments(values) };
  },
  canonicalValue: (text) => canonicalLiteral(text),
  canonicalArguments: (text) => canonicalArgumentList(text),
  normalise: normaliseProgram,
};
