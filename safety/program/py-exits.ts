import type { Claim } from './program.ts';
import { argumentsOf, blockOf, isCall, statementBefore } from './py-shape.ts';
import type { Token } from './python.ts';
import { dotted } from './python.ts';

type Severity = Claim['severity'];

const HARD_EXITS = new Set([
  'os._exit',
  'os.abort',
  'os.kill',
  'os.killpg',
  '_exit',
  'posix._exit',
  'signal.raise_signal',
  'faulthandler._sigsegv',
  'os.execv',
  'os.execvp',
]);
const SOFT_EXITS = new Set(['sys.exit', 'exit', 'quit', 'SystemExit']);

export const PY_EXIT_WORDS = ['exit', 'Exit', 'quit', 'abort', 'kill', '_sigsegv', 'exec'];

/** Ends the process so that nothing is checked. Ordinary: `sys.exit(main())`, an exit after output, an exit with an error. */
export function exitsInPython(tokens: readonly Token[]): Claim[] {
  const claims: Claim[] = [];
  const imported = importedExits(tokens);
  for (let at = 0; at < tokens.length; at++) {
    const first = tokens[at];
    if (first?.kind !== 'name' || tokens[at - 1]?.text === '.' || tokens[at - 1]?.text === 'def' || tokens[at - 1]?.text === 'import')
      continue;
    const { name, length } = dotted(tokens, at);
    const end = tokens[at + length - 1]?.end ?? first.end;
    const raised = tokens[at - 1]?.text === 'raise' && name === 'SystemExit';
    if (!raised && !isCall(tokens, at + length)) continue;
    if (HARD_EXITS.has(name) || imported.has(name))
      claims.push(claim('exit', 3, first.start, end, 'Ends the process at once: nothing after it is checked.'));
    else if (SOFT_EXITS.has(name)) {
      const args = raised && !isCall(tokens, at + length) ? [] : argumentsOf(tokens, at + length);
      const severity = softExit(tokens, at, args);
      if (severity > 0) claims.push(claim('exit', severity, first.start, end, 'Leaves with success before anything was answered.'));
    }
    at += length - 1;
  }
  return claims;
}

function softExit(tokens: readonly Token[], at: number, args: readonly Token[]): Severity {
  const success =
    args.length === 0 || (args.length === 1 && (args[0]?.text === '0' || args[0]?.text === 'None' || args[0]?.text === 'False'));
  if (!success) return 0;
  const block = blockOf(tokens, at);
  if (
    block.header === 'if' ||
    block.header === 'except' ||
    block.header === 'while' ||
    block.header === 'for' ||
    block.header === 'else' ||
    block.header === 'elif'
  )
    return statementBefore(tokens, at, block.indent) === 'print' || block.main ? 0 : block.inFunction === 'other' ? 1 : 0;
  if (isHandedOn(tokens, block.owner)) return 0;
  if (block.main || statementBefore(tokens, at, block.indent) === 'print' || block.inFunction === 'main') return 0;
  return 3;
}

/** `signal.signal(SIGTERM, stop)`: a function that somebody else calls when it is time to stop. */
function isHandedOn(tokens: readonly Token[], name: string): boolean {
  let names = handed.get(tokens);
  if (names === undefined) {
    const last = tokens.filter((token, at) => token.kind === 'name' && tokens[at - 1]?.text === ',' && tokens[at + 1]?.text === ')');
    handed.set(tokens, (names = new Set(last.map(({ text }) => text))));
  }
  return names.has(name);
}
const handed = new WeakMap<readonly Token[], ReadonlySet<string>>();

/** `from os import _exit` (with or without another name). */
function importedExits(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let at = 0; at + 3 < tokens.length; at++) {
    if (tokens[at]?.text !== 'from' || tokens[at + 1]?.text !== 'os' || tokens[at + 2]?.text !== 'import') continue;
    for (let next = at + 3; next < tokens.length && tokens[next]?.line === tokens[at]?.line; next++) {
      if (!['_exit', 'abort', 'kill'].includes(tokens[next]?.text ?? '')) continue;
      names.add(tokens[next + 1]?.text === 'as' ? (tokens[next + 2]?.text ?? '') : (tokens[next]?.text ?? ''));
    }
  }
  return names;
}

function claim(name: string, severity: Severity, start: number, end: number, why: string): Claim {
  return { name, severity, start, end, why };
}
