import type { Problem } from '../problem.ts';
import type { Row } from '../rows.ts';

/** A published benchmark: where it comes from, what its rows look like, and what they mean. */
export interface Suite {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  /** Files on the hub, fetched when no path is given; empty: a path must be given. */
  readonly source: readonly string[];
  /** Fields that every row has; by them a file of another suite is told apart. Alternatives are separated by `|`. */
  readonly fields: readonly string[];
  /** False: the row has the fields, but belongs to a suite that looks alike. */
  readonly isMine?: (row: Row) => boolean;
  /**
   * The problem of a row, or null for a row that is not part of what is measured (another split).
   * @throws SuiteError that names the row and the field.
   */
  readonly read: (row: Row, index: number) => Problem | null;
}
