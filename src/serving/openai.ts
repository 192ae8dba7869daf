import { z } from 'zod';

/**
 * A client for servers that sample and do not train: the part of the OpenAI API that vLLM, SGLang and llama.cpp's server share.
 * `POST {url}/chat/completions` and `/completions`, answers whole (no streaming), retries as in docs/scale.md.
 */
export interface ServingOptions {
  /** Up to and with the version, for instance `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly model: string;
  /** Sent as a bearer token; never written anywhere. */
  readonly apiKey?: string | undefined;
  /** First wait before a retry, milliseconds; it doubles. */
  readonly waitMs?: number;
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface Sampling {
  readonly temperature: number;
  readonly maxTokens: number;
  readonly n?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  /** JSON schema that the answer must fit. */
  readonly schema?: { readonly name: string; readonly schema: unknown };
}

export interface Completion {
  readonly text: string;
  /** `length`: cut at `maxTokens`. */
  readonly finish: 'stop' | 'length';
  /** What a reasoning parser of the server has taken out of the text. */
  readonly thought?: string;
  /** Generated tokens, where the server counts them and one completion was asked for. */
  readonly tokens?: number;
}

/** The server refuses, is gone, or answers what is no completion. The message says what to do. */
export class ServingError extends Error {
  override readonly name = 'ServingError';
  /** The body with which the server refused. */
  readonly reply?: string;
  constructor(message: string, reply?: string) {
    super(message);
    if (reply !== undefined) this.reply = reply;
  }
}

const TRIES = 5;
const LONGEST_ANSWER = 16 * 2 ** 20;
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

const finish = z.string().nullish();
const usage = z.object({ completion_tokens: z.number().int().min(0).nullish() }).nullish();
const thought = z.string().nullish();
/** Thoughts stand in `reasoning_content` (llama.cpp, SGLang, vLLM) or `reasoning` (newer vLLM). */
const message = z.object({ content: z.string().nullish(), reasoning_content: thought, reasoning: thought });
const chatAnswer = z.object({ choices: z.array(z.object({ message, finish_reason: finish })), usage });
const textAnswer = z.object({ choices: z.array(z.object({ text: z.string(), finish_reason: finish })), usage });

/** Answers to a conversation, `n` of them. Throws `ServingError`. */
export async function chat(
  options: ServingOptions,
  messages: readonly Message[],
  sampling: Sampling,
  signal?: AbortSignal,
): Promise<Completion[]> {
  const format = sampling.schema && { type: 'json_schema', json_schema: { ...sampling.schema, strict: true } };
  const body = { ...common(options, sampling), messages, ...(format ? { response_format: format } : {}) };
  const { choices, usage } = await post(options, 'chat/completions', body, chatAnswer, signal);
  return wanted(
    options,
    sampling,
    choices.map(({ message: { content, reasoning_content, reasoning }, finish_reason }) => {
      const thought = reasoning_content ?? reasoning ?? '';
      return { text: content ?? '', finish: finishOf(finish_reason), ...(thought === '' ? {} : { thought }), ...counted(choices, usage) };
    }),
  );
}

/** Continuations of a text, `n` of them. Throws `ServingError`. */
export async function complete(options: ServingOptions, prompt: string, sampling: Sampling, signal?: AbortSignal): Promise<Completion[]> {
  const { choices, usage } = await post(options, 'completions', { ...common(options, sampling), prompt }, textAnswer, signal);
  return wanted(
    options,
    sampling,
    choices.map(({ text, finish_reason }) => ({ text, finish: finishOf(finish_reason), ...counted(choices, usage) })),
  );
}

const counted = (choices: readonly unknown[], said: z.infer<typeof usage>): { readonly tokens?: number } =>
  choices.length === 1 && said?.completion_tokens != null ? { tokens: said.completion_tokens } : {};

const finishOf = (reason: string | null | undefined): Completion['finish'] => (reason === 'length' ? 'length' : 'stop');

function common({ model }: ServingOptions, { temperature, maxTokens, n = 1, seed, stop }: Sampling): Record<string, unknown> {
  return {
    model,
    temperature,
    max_tokens: maxTokens,
    n,
    stream: false,
    ...(seed === undefined ? {} : { seed }),
    ...(stop && stop.length > 0 ? { stop } : {}),
  };
}

function wanted({ url }: ServingOptions, { n = 1 }: Sampling, completions: Completion[]): Completion[] {
  if (completions.length === n) return completions;
  throw new ServingError(
    `${url} gave ${completions.length} answers where ${n} were asked for. Use a server that honours "n", or ask for one at a time.`,
  );
}

async function post<T>(options: ServingOptions, path: string, body: unknown, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
  const target = `${options.url.replace(/\/+$/, '')}/${path}`;
  let said = '';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await pause((options.waitMs ?? 500) * 2 ** (attempt - 1), signal);
    let response: Response;
    try {
      response = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {}) },
        body: JSON.stringify(body),
        redirect: 'error',
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      signal?.throwIfAborted();
      said = reasonOf(error);
      continue;
    }
    const text = await bounded(response, target);
    if (response.ok) return parsed(target, text, shape);
    said = `${response.status} ${text.slice(0, 200)}`;
    if (!PASSING.has(response.status))
      throw new ServingError(
        `${target} refuses: ${said}. Check the model's name ("${options.model}"), the API key and what the server supports.`,
        text,
      );
  }
  throw new ServingError(
    `${target} does not answer after ${TRIES} tries (${said}). Check that the server runs and the URL ends in its version, for instance /v1.`,
  );
}

function parsed<T>(target: string, text: string, shape: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ServingError(`${target} answers what is no JSON: ${JSON.stringify(text.slice(0, 120))}. Check the URL.`);
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ServingError(`${target} answers what is no completion: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. Check the URL.`);
}

/** The body, unless it is longer than any answer. */
async function bounded(response: Response, target: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += (chunk as Uint8Array).length;
      if (length > LONGEST_ANSWER)
        throw new ServingError(`${target} answers more than ${LONGEST_ANSWER / 2 ** 20} MB; nothing asked for is as long.`);
      chunks.push(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof ServingError) throw error;
    if (response.ok) throw new ServingError(`${target} broke off its answer (${reasonOf(error)}). Run again.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message ?? String(error);
};

const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
