import type { Inspection, LanguageRules } from '../language.ts';
import { findForbidden } from './forbidden.ts';
import { DEFAULT_MODULES } from './guest.ts';
import type { PythonSetup } from './guest.ts';
import { CODE_MARK, encodeMarshal } from './marshal.ts';
import { canonicalArgumentList, canonicalLiteral, encodeArguments, readArguments } from './literal.ts';
import { entryProblem, isOneCall, normaliseProgram } from './program.ts';
import { parseSource } from './syntax.ts';
import { unified } from './value.ts';

/**
 * Python as a task language, seen from the host: a grammar reads it, nothing runs it here. `modules` are those that a
 * program may import.
 */
export function pythonRulesFor(modules: readonly string[]): LanguageRules {
  const allowed: ReadonlySet<string> = new Set(modules);
  return {
    setup: { modules } satisfies PythonSetup,
    language: 'python',
    title: 'Python',
    probe: 'def f(x):\n    return x + 1',
    recycleMb: { process: 600, worker: 200 },
    inspect(program): Inspection {
      const source = parseSource(program);
      return { kind: 'program', problem: entryProblem(source), forbidden: findForbidden(source, allowed), chance: null };
    },
    readArguments(text, maxChars) {
      const values = readArguments(text, maxChars);
      const canonical = values && encodeArguments(values);
      if (values === null || canonical === null) return null;
      // One character a byte: the record crosses to the worker as text.
      return { source: Buffer.from(encodeMarshal({ kind: 'tuple', items: values })).toString('latin1'), canonical };
    },
    readCode(text, maxChars) {
      const source = parseSource(`f(${text}\n)`);
      const isCall = text.length <= maxChars && isOneCall(source);
      return isCall && findForbidden(source, allowed) === null ? { source: CODE_MARK + text, canonical: text } : null;
    },
    canonicalValue: (text) => canonicalLiteral(text),
    sameValue: (a, b) => gradingText(a) === gradingText(b),
    canonicalArguments: (text) => canonicalArgumentList(text),
    normalise: normaliseProgram,
  };
}

/** Canonical text of the value with what `==` unifies made one. */
function gradingText(canonical: string): string | null {
  const values = readArguments(canonical);
  return values && encodeArguments(values.map(unified));
}

export const pythonRules = pythonRulesFor(DEFAULT_MODULES);
