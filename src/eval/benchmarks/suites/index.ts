import { SuiteError } from '../errors.ts';
import { nearest } from '../../../core/nearest.ts';
import type { Problem } from '../problem.ts';
import { readRows } from '../rows.ts';
import type { Row } from '../rows.ts';
import { cruxevalI, cruxevalO, livecodebenchExecution } from './cruxeval.ts';
import { humaneval, humanevalPlus } from './humaneval.ts';
import { livecodebench } from './livecodebench.ts';
import { aime24, aime25, amc, gsm8k, math500, minerva, olympiadbench } from './mathematics.ts';
import { mbpp, mbppPlus } from './mbpp.ts';
import type { Suite } from './suite.ts';

/** Every benchmark, in the order of tables. */
export const SUITES: readonly Suite[] = [
  humaneval,
  humanevalPlus,
  mbpp,
  mbppPlus,
  livecodebench,
  livecodebenchExecution,
  cruxevalI,
  cruxevalO,
  gsm8k,
  math500,
  aime24,
  aime25,
  amc,
  minerva,
  olympiadbench,
];

/** @throws SuiteError for an unknown name, with the nearest known one. */
export function suiteNamed(name: string): Suite {
  const found = SUITES.find((suite) => suite.name === name.toLowerCase());
  if (found) return found;
  const names = SUITES.map((suite) => suite.name);
  const near = nearest(name.toLowerCase(), names);
  throw new SuiteError(`There is no suite "${name}"${near ? `; did you mean ${near}?` : '.'} Known: heldout, tune, ${names.join(', ')}.`);
}

export interface LoadedSuite {
  readonly suite: Suite;
  readonly problems: readonly Problem[];
  /** Rows that are not part of what is measured. */
  readonly leftOut: number;
  /** False where the limit left problems out. */
  readonly complete: boolean;
}

const has = (row: Row, field: string): boolean =>
  field.split('|').some((name) => row.fields[name] !== undefined && row.fields[name] !== null);
const fits = (suite: Suite, row: Row): boolean => suite.fields.every((field) => has(row, field)) && suite.isMine?.(row) !== false;

/**
 * Reads published files. The first row tells whether the file belongs to the suite.
 * @param limit read no more problems than that.
 * @throws SuiteError that names file and line, or the suite that the file looks like.
 */
export async function loadSuite(suite: Suite, files: readonly string[], limit = Infinity): Promise<LoadedSuite> {
  const problems: Problem[] = [];
  const ids = new Map<string, number>();
  let leftOut = 0;
  let index = 0;
  for (const file of files) {
    let first = true;
    for await (const row of readRows(file)) {
      if (first && !fits(suite, row)) refuse(suite, row);
      first = false;
      const problem = suite.read(row, index++);
      if (problem === null) {
        leftOut++;
        continue;
      }
      if (problems.length >= limit) return { suite, problems, leftOut, complete: false };
      // Two files of one suite may both count from 0.
      const times = (ids.get(problem.id) ?? 0) + 1;
      ids.set(problem.id, times);
      problems.push(times === 1 ? problem : { ...problem, id: `${problem.id}#${times}` });
    }
  }
  if (problems.length === 0) throw new SuiteError(`${files.join(', ')}: there is no problem of ${suite.title} in it.`);
  return { suite, problems, leftOut, complete: true };
}

function refuse(suite: Suite, row: Row): never {
  const others = SUITES.filter((other) => other !== suite && fits(other, row));
  const fields = Object.keys(row.fields).slice(0, 12).join(', ');
  const missing = suite.fields.filter((field) => !has(row, field));
  // One field short of the suite's own and like no other: a damaged row, not another file.
  if (others.length === 0 && missing.length > 0 && missing.length < suite.fields.length)
    throw new SuiteError(
      `${row.where}: the field "${missing[0]?.replaceAll('|', '" or "')}" is missing (it has ${fields}). ${suite.title} needs ${suite.fields.join(', ')}.`,
    );
  const like = others.map((other) => other.name);
  throw new SuiteError(
    `${row.where}: this is not ${suite.title} (its fields are ${fields}). ${like.length > 0 ? `It looks like ${like.slice(0, 3).join(' or ')}: --suite ${like[0]}=PATH.` : `${suite.title} has ${suite.fields.join(', ')}.`}`,
  );
}
