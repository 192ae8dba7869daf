import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { jsonLine } from '../core/inert.ts';
import { EngineError } from '../engine/ports.ts';
import { CATALOGUE } from '../models/catalogue.ts';
import { Closing } from './closing.ts';
import { Conversation } from './conversation.ts';
import type { Reply } from './conversation.ts';
import { EXIT, UsageError } from './exits.ts';
import { learnedIn, writeLearned } from './export.ts';
import { openEngine } from './open.ts';
import { ReplyView } from './reply-view.ts';

export interface ChatOptions {
  readonly model?: string | undefined;
  readonly adapter?: string | undefined;
  readonly run?: string | undefined;
  readonly prompt?: string | undefined;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly threads: number;
  readonly template?: Config['template'] | undefined;
  readonly json: boolean;
}

const CONTEXT = 4096;
const LONGEST_PROMPT = 1 << 20;

/** `kelvin chat`: in a terminal one question after the other; otherwise one question from `--prompt` or standard input. */
export async function chatCommand(options: ChatOptions): Promise<number> {
  if (options.run !== undefined && (options.model !== undefined || options.adapter !== undefined))
    throw new UsageError('--run brings its own model and adapter; leave --model and --adapter out.');
  if (options.maxTokens < 1) throw new UsageError('--max-tokens takes a number of at least 1.');
  const interactive = options.prompt === undefined && process.stdin.isTTY;
  const question = options.prompt ?? (interactive ? '' : await readAll());
  if (!interactive && question.trim() === '') throw new UsageError('There is no question: give one with --prompt or on standard input.');
  await using stack = new Closing();
  const { model, adapter, template } = await source(options, stack);
  const config = parseConfig({
    model,
    ...(adapter === undefined ? {} : { adapter }),
    engine: { mode: adapter === undefined ? 'full' : 'lora', threads: options.threads, contextLength: CONTEXT, parallel: 1 },
  });
  const engine = stack.use(await openEngine(config, true).catch((error: unknown) => explain(error, options)));
  const conversation = new Conversation(engine, options.template ?? template);
  return interactive ? await talk(conversation, options) : await askOnce(conversation, question, options);
}

/** Model and adapter; what a run has learned is written into a folder that goes when the chat ends. */
async function source(
  options: ChatOptions,
  stack: Closing,
): Promise<{ readonly model: string; readonly adapter: string | undefined; readonly template: Config['template'] }> {
  if (options.run === undefined) {
    const known = CATALOGUE.find((entry) => entry.name.toLowerCase() === options.model?.toLowerCase());
    const model = known?.uri ?? options.model ?? 'models/nano.gguf';
    return { model, adapter: options.adapter, template: known?.kind === 'base' ? 'base' : 'auto' };
  }
  const learned = await learnedIn(options.run);
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-chat-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'learned.gguf');
  await writeLearned(learned, 'gguf', file);
  const { template } = learned.config;
  return learned.trained.mode === 'full'
    ? { model: file, adapter: undefined, template }
    : { model: learned.model, adapter: file, template };
}

function explain(error: unknown, { adapter, model }: ChatOptions): never {
  if (error instanceof EngineError && adapter !== undefined && model === undefined)
    throw new EngineError(
      error.code,
      `${error.message} No --model was given, so the bundled model was taken; name the one of the adapter.`,
    );
  throw error;
}

async function askOnce(conversation: Conversation, question: string, options: ChatOptions): Promise<number> {
  let stopped = false;
  const stop = (): void => {
    if (stopped) process.exit(EXIT.interrupted);
    stopped = true;
  };
  process.on('SIGINT', stop);
  try {
    const reply = await answer(conversation, question, options, 0, () => stopped);
    if (options.json) process.stdout.write(`${jsonLine(jsonReply(question, reply))}\n`);
    return stopped ? EXIT.interrupted : EXIT.ok;
  } finally {
    process.off('SIGINT', stop);
  }
}

async function talk(conversation: Conversation, options: ChatOptions): Promise<number> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
  let answering = false;
  let stopped = false;
  lines.on('SIGINT', () => {
    if (!answering || stopped) lines.close();
    stopped = true;
  });
  if (!options.json) process.stdout.write('Ask something. /new forgets what was said, Ctrl-C stops an answer, a second time it leaves.\n');
  let turn = 0;
  lines.prompt();
  for await (const line of questions(lines)) {
    if (line === '/quit') break;
    if (line === '/new') conversation.forget();
    else if (line !== '') {
      [answering, stopped] = [true, false];
      const reply = await answer(conversation, line, options, turn++, () => stopped);
      answering = false;
      if (options.json) process.stdout.write(`${jsonLine(jsonReply(line, reply))}\n`);
    }
    lines.prompt();
  }
  lines.close();
  return EXIT.ok;
}

async function* questions(lines: Interface): AsyncGenerator<string> {
  for await (const line of lines) yield line.trim();
}

/** One reply, shown as it comes unless JSON is wanted. */
async function answer(
  conversation: Conversation,
  question: string,
  options: ChatOptions,
  turn: number,
  stopped: () => boolean,
): Promise<Reply> {
  const styled = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const view = options.json ? null : new ReplyView((text) => void process.stdout.write(text), styled);
  const reply = await conversation.ask(question, {
    maxTokens: options.maxTokens,
    temperature: options.temperature,
    seed: options.seed + turn,
    onText: (text) => view?.feed(text),
    stopped,
  });
  view?.end();
  return reply;
}

const jsonReply = (question: string, { parsed, text, tokens, stopReason }: Reply): object => ({
  type: 'reply',
  question,
  text,
  wellFormed: parsed.ok,
  thought: parsed.thought,
  answer: parsed.ok ? parsed.answer.trim() : null,
  tokens,
  stopReason,
});

async function readAll(): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > LONGEST_PROMPT) throw new UsageError(`The question on standard input is longer than ${LONGEST_PROMPT} bytes.`);
    parts.push(chunk as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}
