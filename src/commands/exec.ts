import type { Readable, Writable } from 'node:stream';
import { once } from 'node:events';
import { jsonLine } from '../core/inert.ts';
import { LANGUAGES } from '../config.ts';
import { openDefined } from '../environment/defined.ts';
import type { DefinedEnvironment } from '../environment/defined.ts';
import { isModule, loadDefinition } from '../environment/definitions.ts';
import { isLanguage, loadLanguage } from '../environment/languages.ts';
import type { SandboxEnvironment } from '../environment/sandbox.ts';
import type { PoolStats } from '../environment/tally.ts';
import { VALUE_LIMITS } from '../environment/limits.ts';
import type { EnvironmentLimits } from '../environment/port.ts';
import { EXIT } from './exits.ts';
import { splitLines } from './lines.ts';

export interface ExecOptions {
  readonly lang?: string | undefined;
  readonly workers?: number | undefined;
  /** Print what the sandbox did to stderr at the end. */
  readonly stats?: boolean | undefined;
  readonly limits?: Partial<EnvironmentLimits> | undefined;
  readonly stdin?: Readable | undefined;
  readonly stdout?: Writable | undefined;
  readonly stderr?: Writable | undefined;
}

/** One line of output; `output` is a canonical value. */
interface ExecLine {
  readonly id: unknown;
  readonly verdict: string;
  readonly output?: string;
  readonly detail?: string;
}

/** More generous than a proposal's: programs here are somebody's, not a small model's. */
const EXEC_LIMITS: Partial<EnvironmentLimits> = {
  fuel: 16_000,
  timeoutMs: 60_000,
  outputChars: VALUE_LIMITS.chars,
  programChars: 200_000,
  inputChars: 200_000,
};
const LINE_CHARS = 1_000_000;
/** Programs under way at once: workers stay busy, memory stays bounded however long the stream. */
const WINDOW = 1_024;
const WINDOW_CHARS = 16_000_000;

/**
 * `kelvin exec`: programs as JSON lines in (`{"id","code","input"}`), verdicts as JSON lines out, in the order of the
 * input. A line that cannot be read gets verdict `error` and the stream goes on. Returns the exit code.
 */
export async function execCommand(options: ExecOptions = {}): Promise<number> {
  const { stdin = process.stdin, stdout = process.stdout, stderr = process.stderr, lang = 'javascript' } = options;
  if (!isModule(lang) && !(LANGUAGES as readonly string[]).includes(lang)) {
    stderr.write(`kelvin exec runs --lang ${LANGUAGES.join(', ')} or a file with an environment, not ${JSON.stringify(lang)}.\n`);
    return EXIT.usage;
  }
  await using environment = await openFor(lang, { ...EXEC_LIMITS, ...options.limits }, options.workers ?? 2);
  // Whoever reads may stop early (`| head`); there is nobody left to tell, so it is no fault.
  const readerGone = new AbortController();
  const onError = (): void => readerGone.abort();
  stdout.on('error', onError);
  try {
    const running: { readonly answer: Promise<ExecLine>; readonly chars: number }[] = [];
    let chars = 0;
    const writeOldest = async (): Promise<void> => {
      const oldest = running.shift();
      if (oldest === undefined) return;
      chars -= oldest.chars;
      const text = `${jsonLine(await oldest.answer)}\n`;
      if (readerGone.signal.aborted || stdout.write(text)) return;
      await once(stdout, 'drain', { signal: readerGone.signal }).catch(onError);
    };
    for await (const line of splitLines(stdin, LINE_CHARS)) {
      if (readerGone.signal.aborted) break;
      if (line?.trim() === '') continue;
      running.push({ answer: runLine(environment, line), chars: line?.length ?? 0 });
      chars += line?.length ?? 0;
      while (running.length >= WINDOW || chars > WINDOW_CHARS) await writeOldest();
    }
    while (running.length > 0) await writeOldest();
  } finally {
    stdout.off('error', onError);
  }
  if (options.stats) stderr.write(`${describeStats(environment.stats())}\n`);
  return EXIT.ok;
}

async function openFor(
  lang: string,
  limits: Partial<EnvironmentLimits>,
  workers: number,
): Promise<SandboxEnvironment | DefinedEnvironment> {
  if (!isLanguage(lang)) return openDefined(await loadDefinition(lang), limits);
  const { open } = await loadLanguage(lang);
  return await open(limits, { workers });
}

/** Executions here are jobs: a line is run in two interpreters. */
function describeStats(stats: PoolStats): string {
  const { executions, seconds, perSecond, p50Ms, p99Ms, recycles, kills, reruns, rssMb } = stats;
  const rate = `${executions} executions in ${seconds.toFixed(2)} s, ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} a second; p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
  return `exec: ${rate}; ${recycles} recycles, ${kills} kills, ${reruns} runs repeated; ${rssMb} MB`;
}

async function runLine(environment: Pick<SandboxEnvironment, 'examine'>, line: string | null): Promise<ExecLine> {
  if (line === null) return { id: null, verdict: 'error', detail: `The line is longer than ${LINE_CHARS} characters.` };
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch (error) {
    return { id: null, verdict: 'error', detail: `The line is not JSON: ${(error as SyntaxError).message}` };
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return { id: null, verdict: 'error', detail: 'The line is not a JSON object with id, code and input.' };
  }
  const { id = null, code, input = '' } = request as { id?: unknown; code?: unknown; input?: unknown };
  if (typeof code !== 'string') return { id, verdict: 'error', detail: 'The line has no text under "code".' };
  if (typeof input !== 'string')
    return { id, verdict: 'error', detail: 'What stands under "input" is not text: an argument list as source literals.' };
  return { id, ...(await environment.examine(code, input)) };
}
