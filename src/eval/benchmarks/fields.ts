import { SuiteError } from './errors.ts';
import type { Row } from './rows.ts';

/** Reads fields of a row; a missing or wrong one is a `SuiteError` that names file, line and field. */
const bad = (row: Row, field: string, what: string): SuiteError => new SuiteError(`${row.where}: the field "${field}" ${what}.`);

export function text(row: Row, field: string): string {
  const value = row.fields[field];
  if (value === undefined || value === null) throw bad(row, field, 'is missing');
  if (typeof value !== 'string') throw bad(row, field, 'is not text');
  return value;
}

/** Text, or a number that is written as text. */
export function textOrNumber(row: Row, field: string): string {
  const value = row.fields[field];
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : text(row, field);
}

/** Text that may be absent or null. */
export function optional(row: Row, field: string): string | null {
  const value = row.fields[field];
  return value === undefined || value === null ? null : textOrNumber(row, field);
}

export function texts(row: Row, field: string): readonly string[] {
  const value = row.fields[field];
  if (value === undefined || value === null) throw bad(row, field, 'is missing');
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw bad(row, field, 'is not a list of texts');
  return value as string[];
}

/** The first of these fields that is there. */
export const firstOf = (row: Row, fields: readonly string[]): string | null =>
  fields.find((field) => row.fields[field] !== undefined && row.fields[field] !== null) ?? null;
