/** A suite cannot be read or run; the message says where and what to do. Exit code 2. */
export class SuiteError extends Error {
  override readonly name = 'SuiteError';
}
