/** The calls of the Tinker API that training needs: a session with its heartbeat, models, samplers, checkpoints. */
import { randomUUID } from 'node:crypto';
import { EngineError } from '../ports.ts';
import { Calls, lost, Refused, type Operation, type Patience } from './calls.ts';
import type { Clock } from './clock.ts';
import { decodePass, decodeSample, encodePass } from './proto.ts';
import type { ServerRecord } from './servers.ts';
import { jsonOf, NoAnswer, Transport, type Reply } from './transport.ts';
import {
  capabilitiesSchema,
  checked,
  checkpointsSchema,
  createdSchema,
  optimSchema,
  passSchema,
  PROTOBUF,
  samplerSchema,
  sampleSchema,
  savedSchema,
  sequencesOf,
  sessionSchema,
} from './wire.ts';
import type { ModelPass, PassOutput, SampledSequence, Wire } from './wire.ts';

const HEARTBEAT_MS = 10_000;
const LISTING_PAUSE_MS = 1000;
const MOST_LISTINGS = 120;
const ARCHIVE_BYTES = 1024 ** 3;
/** Seeds are 31-bit numbers on some servers. */
const SEEDS = 2 ** 31;

export interface ConnectOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly record: ServerRecord;
  readonly clock: Clock;
  readonly patience: Patience;
}

export interface AdamParams {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  readonly grad_clip_norm: number;
}

export interface SampleCall {
  readonly session: string;
  readonly seqId: number;
  readonly prompt: readonly number[];
  readonly n: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  /** Texts, or tokens, that end a sequence; servers take no mixture. */
  readonly stop: readonly string[] | readonly number[];
  readonly vocabulary: number;
  readonly signal?: AbortSignal | undefined;
}

const promptOf = (tokens: readonly number[]): object => ({ chunks: [{ type: 'encoded_text', tokens }] });

/** A session with a server. Closing it ends the heartbeat and everything that waits. */
export class TinkerClient {
  readonly record: ServerRecord;
  readonly wire: Wire;
  readonly session: string;
  readonly calls: Calls;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #stopHeartbeat: () => void;
  #models = 0;
  #samplers = 0;

  private constructor(parts: { record: ServerRecord; wire: Wire; session: string; calls: Calls; clock: Clock; transport: Transport }) {
    this.record = parts.record;
    this.wire = parts.wire;
    this.session = parts.session;
    this.calls = parts.calls;
    this.#clock = parts.clock;
    this.#transport = parts.transport;
    let beating = false;
    this.#stopHeartbeat = this.#clock.every(HEARTBEAT_MS, () => {
      if (beating) return;
      beating = true;
      void this.#beat().finally(() => (beating = false));
    });
  }

  /** Finds out which generation the server speaks and opens a session. */
  static async connect({ url, apiKey, record, clock, patience }: ConnectOptions): Promise<TinkerClient> {
    const transport = new Transport(url, apiKey, clock);
    const calls = new Calls(transport, clock, patience);
    try {
      const wire = await probe(calls, url);
      const body = { tags: ['kelvin'], user_metadata: {}, sdk_version: wire === 'json' ? '0.24.1' : '0.38.0', type: 'create_session' };
      const answer = calls.answer(sessionSchema, { path: '/api/v1/create_session', body, repeatable: true });
      const { session_id: session } = await explained('create_session', answer);
      return new TinkerClient({ record, wire, session, calls, clock, transport });
    } catch (error) {
      calls.close();
      throw error;
    }
  }

  async #beat(): Promise<void> {
    try {
      const body = { session_id: this.session, type: 'session_heartbeat' };
      const { status } = await this.#transport.exchange('/api/v1/session_heartbeat', { body, timeoutMs: HEARTBEAT_MS });
      if (status === 410 || status === 404) this.calls.finish(`its session ended (${status})`);
    } catch (error) {
      // A missed beat does no harm; what matters is noticed by the calls themselves.
      if (!(error instanceof NoAnswer) && !(error instanceof EngineError)) throw error;
    }
  }

  /** Names of the models that the server trains, with their context lengths (null = not said). */
  async supportedModels(): Promise<Map<string, number | null>> {
    const { supported_models } = await explained(
      'get_server_capabilities',
      this.calls.answer(capabilitiesSchema, { path: '/api/v1/get_server_capabilities', method: 'GET', repeatable: true }),
    );
    return new Map(
      supported_models.flatMap(({ model_name, max_context_length }) => (model_name ? [[model_name, max_context_length ?? null]] : [])),
    );
  }

  async createModel(base: string, rank: number, seed: number): Promise<TinkerModel> {
    const path = '/api/v1/create_model';
    const operation = await explained(
      'create_model',
      this.calls.submit({
        path,
        body: {
          session_id: this.session,
          model_seq_id: this.#models++,
          base_model: base,
          user_metadata: {},
          lora_config: { rank, seed: seed % SEEDS, train_unembed: false, train_mlp: true, train_attn: true },
          type: 'create_model',
        },
        repeatable: true,
      }),
    );
    const reply = await explained('create_model', operation.result());
    const id = checked(createdSchema, jsonOf(reply), 'create_model').model_id ?? operation.modelId;
    if (id === null) throw lost('create_model named no model');
    return new TinkerModel(this, id);
  }

  /** Opens a sampler on saved weights. */
  async createSampler(modelPath: string): Promise<string> {
    const body = {
      session_id: this.session,
      sampling_session_seq_id: this.#samplers++,
      model_path: modelPath,
      type: 'create_sampling_session',
    };
    const answer = this.calls.answer(samplerSchema, { path: '/api/v1/create_sampling_session', body, repeatable: true });
    return (await explained('create_sampling_session', answer)).sampling_session_id;
  }

  async sample(call: SampleCall): Promise<readonly SampledSequence[]> {
    const { session, seqId, prompt, n, maxTokens, temperature, seed, stop, signal } = call;
    const body = {
      sampling_session_id: session,
      seq_id: seqId,
      num_samples: n,
      prompt: promptOf(prompt),
      sampling_params: {
        max_tokens: maxTokens,
        seed: seed % SEEDS,
        temperature,
        top_k: -1,
        top_p: 1,
        ...(stop.length > 0 ? { stop } : {}),
      },
      prompt_logprobs: false,
      type: 'sample',
    };
    const operation = await explained('asample', this.calls.submit({ path: '/api/v1/asample', body, repeatable: true, signal }));
    const reply = await explained('asample', operation.result(this.#accept));
    return sequencesOf(reply.contentType === PROTOBUF ? decodeSample(reply.body) : samplesOfJson(reply), call);
  }

  /** The archive (tar.gz) of saved sampler weights. */
  async archive(modelPath: string): Promise<Buffer> {
    const { model, name } = partsOf(modelPath);
    const path = `/api/v1/training_runs/${encodeURIComponent(model)}/checkpoints/${encodeURIComponent(name)}/archive`;
    let reply = await explained('archive', this.calls.accepted({ path, method: 'GET', repeatable: true, mostBytes: ARCHIVE_BYTES }));
    for (let hops = 0; reply.status >= 300 && reply.location !== null && hops < 3; hops++) {
      const target = URL.parse(reply.location, this.#transport.base + path);
      if (target === null || !/^https?:$/.test(target.protocol)) break;
      const next = { path: target.href, method: 'GET', repeatable: true, mostBytes: ARCHIVE_BYTES, accept: '*/*' } as const;
      reply = await explained('archive', this.calls.accepted(next));
    }
    if (reply.status >= 300) throw lost(`the archive of ${modelPath} is elsewhere, and nobody says where`);
    return reply.body;
  }

  /** Waits until a checkpoint whose save was answered by 409 is complete. */
  async listed(model: string, name: string): Promise<string> {
    const path = `/api/v1/training_runs/${encodeURIComponent(model)}/checkpoints`;
    for (let tries = 0; tries < MOST_LISTINGS; tries++) {
      const { checkpoints } = await explained(
        'checkpoints',
        this.calls.answer(checkpointsSchema, { path, method: 'GET', repeatable: true }),
      );
      const found = checkpoints.find(({ tinker_path }) => tinker_path.endsWith(`/${name}`));
      if (found !== undefined) return found.tinker_path;
      await this.#clock.sleep(LISTING_PAUSE_MS);
    }
    throw lost(`the checkpoint ${name} is never complete`);
  }

  get #accept(): string | undefined {
    return this.wire === 'protobuf' ? PROTOBUF : undefined;
  }

  async pause(ms: number): Promise<void> {
    await this.#clock.sleep(ms);
  }
  close(): void {
    this.#stopHeartbeat();
    this.calls.close();
  }
}

/** A model in training. Its requests are numbered from 1 without a gap and handed in one after the other. */
export class TinkerModel {
  readonly id: string;
  readonly #client: TinkerClient;
  #seq = 1;

  constructor(client: TinkerClient, id: string) {
    this.#client = client;
    this.id = id;
  }
  /** True until the first request: only then can weights be loaded. */
  get fresh(): boolean {
    return this.#seq === 1;
  }

  /** Hands in a forward or forward-backward pass. */
  async pass(pass: Omit<ModelPass, 'modelId' | 'seqId'>): Promise<{ result(): Promise<PassOutput> }> {
    const { calls, wire } = this.#client;
    const seqId = this.#seq++;
    const repeatable = pass.forwardOnly || this.#deduplicates;
    const name = pass.forwardOnly ? 'forward' : 'forward_backward';
    let submission;
    if (wire === 'protobuf') {
      const body = encodePass({ ...pass, modelId: this.id, seqId });
      submission = { path: '/api/v1/forward_backward', body, contentType: PROTOBUF, repeatable };
    } else {
      const input = {
        data: pass.data.map(jsonDatum),
        loss_fn: pass.loss,
        ...(isEmpty(pass.config) ? {} : { loss_fn_config: pass.config }),
      };
      const body = { model_id: this.id, seq_id: seqId, [`${name}_input`]: input };
      submission = { path: `/api/v1/${name}`, body, repeatable };
    }
    const operation = await explained(name, calls.submit(submission));
    return {
      result: async () => {
        const reply = await explained(name, operation.result(wire === 'protobuf' ? PROTOBUF : undefined));
        if (reply.contentType === PROTOBUF) return decodePass(reply.body);
        const { loss_fn_outputs, metrics } = checked(passSchema, jsonOf(reply), name);
        const outputs = loss_fn_outputs.map((fields) => Object.fromEntries(Object.entries(fields).map(([key, { data }]) => [key, data])));
        return { outputs, metrics };
      },
    };
  }

  async optimStep(params: AdamParams): Promise<Readonly<Record<string, number>>> {
    const operation = await this.#submit('optim_step', { adam_params: params }, this.#deduplicates);
    return checked(optimSchema, jsonOf(await explained('optim_step', operation.result())), 'optim_step').metrics;
  }

  /** Saves weights and optimiser (`save_weights`) or weights for sampling; returns the server's path of them. */
  async save(what: 'save_weights' | 'save_weights_for_sampler', label: string): Promise<string> {
    const name = `${label}-${randomUUID().slice(0, 8)}`;
    try {
      const operation = await this.#submit(what, { path: name }, true, true);
      const { path } = checked(savedSchema, jsonOf(await operation.result()), what);
      return path ?? (await this.#client.listed(this.id, name));
    } catch (error) {
      // Nobody else uses the name: an earlier attempt at this very call got through.
      if (error instanceof Refused && error.status === 409) return await this.#client.listed(this.id, name);
      throw error instanceof Refused ? failed(what, error) : error;
    }
  }

  /** Only as the first request. @throws Uncertain when it may have been carried out: then another model has to try. */
  async load(path: string): Promise<void> {
    try {
      await (await this.#submit('load_weights', { path, optimizer: true }, false, true)).result();
    } catch (error) {
      throw error instanceof Refused
        ? new EngineError(
            'server',
            `The server cannot load ${path}: ${error.detail}. Go on from an earlier checkpoint, or mend the server.`,
          )
        : error;
    }
  }

  async unload(): Promise<void> {
    const operation = await explained(
      'unload_model',
      this.#client.calls.submit({ path: '/api/v1/unload_model', body: { model_id: this.id, type: 'unload_model' }, repeatable: true }),
    );
    await explained('unload_model', operation.result());
  }

  get #deduplicates(): boolean {
    return this.#client.record.deduplicates[this.#client.wire];
  }
  async #submit(type: string, body: object, repeatable: boolean, raw = false): Promise<Operation> {
    const seq_id = this.#seq++;
    const operation = this.#client.calls.submit({
      path: `/api/v1/${type}`,
      body: { model_id: this.id, seq_id, ...body, type },
      repeatable,
    });
    return raw ? await operation : await explained(type, operation);
  }
}

/** An empty body has no side effect: 422 = the server reads JSON. */
async function probe(calls: Calls, url: string): Promise<Wire> {
  try {
    await calls.accepted({ path: '/api/v1/forward_backward', body: {}, repeatable: true });
  } catch (error) {
    if (error instanceof Refused) return error.status === 422 ? 'json' : 'protobuf';
    if (!(error instanceof EngineError) || error.code !== 'server') throw error;
    throw new EngineError(
      'server',
      `There is no Tinker server at ${url} (${error.message.replace(/^[^:]*: |\. When it is back.*$/g, '')}). Start it, or mend engine.tinker.url.`,
    );
  }
  return 'protobuf';
}

const isEmpty = (config: object): boolean => Object.keys(config).length === 0;

const jsonDatum = ({ tokens, inputs }: ModelPass['data'][number]): object => ({
  model_input: promptOf(Array.from(tokens)),
  loss_fn_inputs: Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => [
      name,
      { data: Array.from(values), dtype: values instanceof Int32Array ? 'int64' : 'float32', shape: [values.length] },
    ]),
  ),
});

const samplesOfJson = (reply: Reply): SampledSequence[] =>
  checked(sampleSchema, jsonOf(reply), 'asample').sequences.map(({ tokens, logprobs, stop_reason }) => ({
    tokens,
    logprobs: logprobs ?? [],
    stopped: stop_reason === 'stop',
  }));

/** `tinker://MODEL/NAME` or `tinker://MODEL/KIND/NAME`. */
function partsOf(modelPath: string): { readonly model: string; readonly name: string } {
  const [, model = '', name = ''] = /^tinker:\/\/([^/]+)\/(?:[^/]+\/)?([^/]+)$/.exec(modelPath) ?? [];
  if (name === '') throw lost(`"${modelPath.slice(0, 100)}" is no path of a checkpoint`);
  return { model, name };
}

const failed = (call: string, { detail, status }: Refused): EngineError =>
  call === 'create_model' || status === 415
    ? new EngineError(
        'unsupported',
        `The Tinker server refuses ${call}: ${detail}. Change the key that it names, or the server's settings.`,
      )
    : new EngineError(
        'server',
        `The Tinker server failed at ${call}: ${detail}. The server's log says more; kelvin resume goes on from the last complete step.`,
      );

/** A refusal in a sentence that says what to do. */
async function explained<T>(call: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Refused ? failed(call, error) : error;
  }
}
