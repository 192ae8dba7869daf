/**
 * A scripted Tinker server on 127.0.0.1, written after the contract: both generations of the wire, real arithmetic behind it
 * (`table.ts`, `embedded.ts`), faults on demand (`faults.ts`). It counts optimiser steps, so that tests can see none is lost or doubled.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdamParams, SampleCall } from '../../src/engine/tinker/client.ts';
import { field, jsonOfPass, jsonOfSample, passOfJson, passOfProto, PROTOBUF, protoOfPass, protoOfSample, Status } from './messages.ts';
import type { Pass } from './messages.ts';

export interface SampleAsk extends Pick<SampleCall, 'prompt' | 'n' | 'maxTokens' | 'temperature' | 'seed'> {
  readonly stop: readonly string[];
  readonly stopTokens: readonly number[];
}
export interface ServedSequence {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly reason: 'stop' | 'length';
}
/** Arithmetic behind one model. */
export interface ServedModel {
  /** Log-probabilities of the targets; unless it is `forwardOnly`, the gradient adds up until the next step. */
  pass(pass: Pass): Promise<number[][]>;
  step(adam: AdamParams): Promise<Record<string, number>>;
  sample(ask: SampleAsk): Promise<ServedSequence[]>;
  /** Weights and optimiser, and back. */
  save(): Promise<unknown>;
  load(saved: unknown): Promise<void>;
  /** A sampler on the weights as they are. */
  sampler(): Promise<(ask: SampleAsk) => Promise<ServedSequence[]>>;
  archive(): Promise<Buffer>;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly wire: 'json' | 'protobuf';
  readonly model: string;
  readonly open: (rank: number, seed: number) => Promise<ServedModel>;
  /** Whether a repetition of (model, sequence number) is recognised; newer servers do. */
  readonly deduplicates: boolean;
  readonly maxRank?: number;
  readonly key?: string;
  /** Takes over a request: true when it has answered, or will not. */
  readonly intercept?: (route: string, request: IncomingMessage, response: ServerResponse, handle: () => Promise<void>) => Promise<boolean>;
  /** Last word on a result, for hostile servers. */
  readonly spoil?: (route: string, body: Buffer, type: string) => { readonly body: Buffer; readonly type: string };
}

interface Future {
  readonly kind: string;
  done: boolean;
  result: Promise<{ readonly ok: boolean; readonly value: unknown }>;
}
interface Model {
  readonly served: ServedModel;
  readonly seen: Map<number, { readonly body: string; readonly id: string }>;
  /** Requests run in the order of their arrival. */
  tail: Promise<unknown>;
  requests: number;
  optimSteps: number;
  readonly saved: Map<string, { readonly kind: string; readonly value: Promise<unknown> }>;
  readonly samplers: Map<string, Promise<(ask: SampleAsk) => Promise<ServedSequence[]>>>;
  readonly archives: Map<string, Promise<Buffer>>;
}

export class ScriptedTinker {
  readonly models = new Map<string, Model>();
  readonly requests: { readonly route: string; readonly key: string | undefined; readonly body: unknown }[] = [];
  readonly #o: ServerOptions;
  readonly #futures = new Map<string, Future>();
  readonly #sessions = new Set<string>();
  readonly #samplers = new Map<string, { model: Model; name: string }>();
  #http: Server | null = null;
  #ids = 0;

  constructor(options: ServerOptions) {
    this.#o = options;
  }
  async listen(port = 0): Promise<string> {
    const http = createServer((request, response) => void this.#serve(request, response));
    http.keepAliveTimeout = 60_000;
    this.#http = http;
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  }
  /** As a kill: connections break, what is under way is lost; checkpoints stay. */
  async stop(): Promise<void> {
    const http = this.#http;
    this.#http = null;
    http?.closeAllConnections();
    if (http) await new Promise((resolve) => http.close(resolve));
  }
  /** Forgets sessions, models in memory and futures, as a restarted server does. */
  forget(): void {
    this.#sessions.clear();
    this.#futures.clear();
    for (const [id, model] of this.models) if (model.saved.size === 0) this.models.delete(id);
    for (const model of this.models.values()) model.requests = Infinity;
  }
  finishSessions(): void {
    this.#sessions.clear();
  }
  /** Forgets every promise that is done. */
  forgetFutures(): void {
    for (const [id, { done }] of this.#futures) if (done) this.#futures.delete(id);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const model of this.models.values()) await model.served.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const route = (request.url ?? '').replace(/^\/api\/v1\//, '');
    const body = Buffer.concat(chunks);
    const handle = (): Promise<void> => this.#answer(route, request, body, response);
    if ((await this.#o.intercept?.(route, request, response, handle)) === true) return;
    await handle();
  }

  async #answer(route: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const type = request.headers['content-type'] ?? '';
    try {
      if (this.#o.key !== undefined && request.headers['x-api-key'] !== this.#o.key) throw new Status(401, 'no such key');
      const parsed = type.startsWith(PROTOBUF) || body.length === 0 ? body : (JSON.parse(body.toString()) as unknown);
      this.requests.push({ route, key: request.headers['x-idempotency-key'] as string | undefined, body: parsed });
      const answer = await this.#route(route, parsed, type);
      const sent = Buffer.isBuffer(answer)
        ? { body: answer, type: PROTOBUF }
        : { body: Buffer.from(JSON.stringify(answer)), type: 'application/json' };
      const { body: bytes, type: as } = this.#o.spoil?.(route, sent.body, sent.type) ?? sent;
      if (!response.headersSent) response.writeHead(200, { 'content-type': as }).end(bytes);
    } catch (error) {
      const status = error instanceof Status ? error.status : 500;
      if (status === 302) response.writeHead(302, { location: (error as Error).message }).end();
      else if (!response.headersSent)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ detail: (error as Error).message }));
    }
  }

  async #route(route: string, body: unknown, type: string): Promise<unknown> {
    const [first = '', id = '', , name = '', what = ''] = route.split('/');
    if (first === 'training_runs') return await this.#checkpoint(id, name, what);
    const handlers: Record<string, () => unknown> = {
      get_server_capabilities: () => ({ supported_models: [{ model_name: this.#o.model, max_context_length: 4096 }] }),
      create_session: () => {
        const session = `session_${++this.#ids}`;
        this.#sessions.add(session);
        return { session_id: session };
      },
      session_heartbeat: () => {
        if (!this.#sessions.has(field(body, 'session_id'))) throw new Status(410, 'Session finished');
        return {};
      },
      create_model: () => this.#createModel(body),
      unload_model: () => this.#future('unload', async () => ({ model_id: field(body, 'model_id') })),
      forward_backward: () => this.#pass(body, type, false),
      forward: () => this.#pass(body, type, true),
      optim_step: () => this.#step(body),
      save_weights: () => this.#save(body, 'weights'),
      save_weights_for_sampler: () => this.#save(body, 'sampler_weights'),
      load_weights: () => this.#load(body),
      create_sampling_session: () => this.#createSampler(body),
      asample: () => this.#sample(body),
      retrieve_future: () => this.#retrieve(field(body, 'request_id')),
    };
    const handler = handlers[first];
    if (handler === undefined || (first === 'forward' && this.#o.wire === 'protobuf')) throw new Status(404, 'Not Found');
    return await handler();
  }

  #model(body: unknown): Model {
    const model = this.models.get(field(body, 'model_id'));
    if (model === undefined) throw new Status(404, 'Model not found');
    return model;
  }
  #future(kind: string, work: () => Promise<unknown>): { request_id: string } {
    const id = String(++this.#ids);
    const future: Future = {
      kind,
      done: false,
      result: work().then(
        (value) => ({ ok: true, value }),
        (error: unknown) => ({ ok: false, value: (error as Error).message }),
      ),
    };
    void future.result.then(() => (future.done = true));
    this.#futures.set(id, future);
    return { request_id: id };
  }
  /** A request of a model: in turn, and once only for each sequence number where the server knows them. */
  #queued(model: Model, kind: string, body: unknown, seq: number | undefined, work: () => Promise<unknown>): { request_id: string } {
    const text = Buffer.isBuffer(body) ? body.toString('latin1') : JSON.stringify(body);
    const known = this.#o.deduplicates && seq !== undefined ? model.seen.get(seq) : undefined;
    if (known !== undefined) {
      if (known.body !== text) throw new Status(409, 'Training request sequence number was reused');
      // A promise that was forgotten is made again; the work is not.
      if (!this.#futures.has(known.id)) this.#futures.set(known.id, { kind, done: true, result: this.#results.get(known.id)! });
      return { request_id: known.id };
    }
    model.requests++;
    const turn = model.tail.then(work);
    model.tail = turn.catch(() => undefined);
    const future = this.#future(kind, () => turn);
    if (seq !== undefined) model.seen.set(seq, { body: text, id: future.request_id });
    this.#results.set(future.request_id, this.#futures.get(future.request_id)!.result);
    return future;
  }
  readonly #results = new Map<string, Future['result']>();

  #createModel(body: unknown): object {
    if (!this.#sessions.has(field(body, 'session_id'))) throw new Status(404, 'Session not found');
    if (field(body, 'base_model') !== this.#o.model) throw new Status(400, 'unknown base model');
    const { rank, seed = 0 } = (body as { lora_config: { rank: number; seed?: number } }).lora_config;
    const id = `model_${++this.#ids}`;
    const made = this.#future('create_model', async () => {
      if (rank > (this.#o.maxRank ?? 64)) throw new Error(`LoRA rank ${rank} must be between 1 and ${this.#o.maxRank ?? 64}`);
      const served = await this.#o.open(rank, seed);
      this.models.set(id, {
        ...{ served, seen: new Map(), tail: Promise.resolve(), requests: 0, optimSteps: 0 },
        ...{ saved: new Map(), samplers: new Map(), archives: new Map() },
      });
      return { model_id: id };
    });
    return { ...made, model_id: id };
  }

  #pass(body: unknown, type: string, forward: boolean): object {
    const proto = type.startsWith(PROTOBUF);
    if (proto !== (this.#o.wire === 'protobuf'))
      throw proto ? new Status(500, 'Internal Server Error') : new Status(415, 'forward_backward requires a protobuf body');
    const pass = proto ? passOfProto(body as Buffer) : passOfJson(body, forward);
    const model = this.#model({ model_id: pass.model });
    return this.#queued(model, 'pass', body, pass.seq, async () => {
      const logprobs = await model.served.pass(pass);
      return { pass: logprobs };
    });
  }
  #step(body: unknown): object {
    const model = this.#model(body);
    return this.#queued(model, 'optim', body, (body as { seq_id?: number }).seq_id, async () => {
      const metrics = await model.served.step((body as { adam_params: AdamParams }).adam_params);
      model.optimSteps++;
      return { metrics };
    });
  }
  #save(body: unknown, kind: string): object {
    const model = this.#model(body);
    const name = field(body, 'path');
    if (model.saved.has(name)) throw new Status(409, `Checkpoint '${name}' already exists`);
    const path = `tinker://${field(body, 'model_id')}/${kind}/${name}`;
    // As SkyRL: saves carry no sequence number that is looked at.
    return this.#queued(model, 'save', body, undefined, async () => {
      const steps = model.optimSteps;
      const value = model.served.save().then((saved) => ({ saved, steps }));
      if (kind === 'sampler_weights') {
        model.samplers.set(name, model.served.sampler());
        model.archives.set(name, model.served.archive());
        await Promise.all([model.samplers.get(name), model.archives.get(name)]);
      }
      model.saved.set(name, { kind, value });
      await value;
      return { path };
    });
  }
  #load(body: unknown): object {
    const model = this.#model(body);
    if (model.requests > 0) throw new Status(400, `LoadWeights is not permitted with seq_id ${model.requests + 1}`);
    const [, source = '', name = ''] = /^tinker:\/\/([^/]+)\/weights\/(.+)$/.exec(field(body, 'path')) ?? [];
    const saved = this.models.get(source)?.saved.get(name);
    if (saved === undefined) throw new Status(404, 'Checkpoint not found');
    return this.#queued(model, 'load', body, undefined, async () => {
      const { saved: state, steps } = (await saved.value) as { saved: unknown; steps: number };
      await model.served.load(state);
      model.optimSteps = steps;
      return {};
    });
  }
  #createSampler(body: unknown): object {
    const [, id = '', name = ''] = /^tinker:\/\/([^/]+)\/sampler_weights\/(.+)$/.exec(field(body, 'model_path')) ?? [];
    const model = this.models.get(id);
    if (model === undefined) throw new Status(404, 'Sampler not found');
    const session = `sampling_${++this.#ids}`;
    this.#samplers.set(session, { model, name });
    return { sampling_session_id: session };
  }
  #sample(body: unknown): object {
    const sampler = this.#samplers.get(field(body, 'sampling_session_id'));
    if (sampler === undefined) throw new Status(404, 'Sampling session not found');
    const {
      num_samples: n,
      prompt,
      sampling_params: p,
    } = body as {
      num_samples: number;
      prompt: { chunks: { tokens: number[] }[] };
      sampling_params: { max_tokens?: number; temperature: number; seed: number; stop?: (string | number)[] };
    };
    const maxTokens = p.max_tokens;
    if (maxTokens === undefined) throw new Status(400, 'max_tokens is currently required');
    if (new Set((p.stop ?? []).map((one) => typeof one)).size > 1) throw new Status(400, 'stop must be either all integers or all strings');
    const ask = {
      prompt: prompt.chunks.flatMap(({ tokens }) => tokens),
      n,
      maxTokens,
      temperature: p.temperature,
      seed: p.seed,
      stop: (p.stop ?? []).filter((one) => typeof one === 'string'),
      stopTokens: (p.stop ?? []).filter((one) => typeof one === 'number'),
    };
    return this.#future('sample', async () => ({ sequences: await (await sampler.model.samplers.get(sampler.name)!)(ask) }));
  }

  async #retrieve(id: string): Promise<unknown> {
    const future = this.#futures.get(id);
    if (future === undefined) throw new Status(404, 'Future not found');
    const { ok, value } = await future.result;
    if (!ok) throw new Status(400, String(value));
    const { pass, sequences } = value as { pass?: number[][]; sequences?: ServedSequence[] };
    if (pass !== undefined) return this.#o.wire === 'json' ? jsonOfPass(pass) : protoOfPass(pass);
    if (sequences !== undefined) return this.#o.wire === 'json' ? jsonOfSample(sequences) : protoOfSample(sequences);
    return value;
  }

  async #checkpoint(id: string, name: string, what: string): Promise<unknown> {
    const model = this.models.get(id);
    if (model === undefined) throw new Status(404, 'Model not found');
    if (name === '')
      return {
        checkpoints: [...model.saved].map(([checkpoint_id, { kind }]) => ({
          checkpoint_id,
          tinker_path: `tinker://${id}/${kind}/${checkpoint_id}`,
        })),
      };
    const archive = model.archives.get(name);
    if (archive === undefined) throw new Status(404, 'Checkpoint not found');
    if (what === 'archive') throw new Status(302, `/api/v1/training_runs/${id}/checkpoints/${name}/download`);
    return await archive;
  }
}
