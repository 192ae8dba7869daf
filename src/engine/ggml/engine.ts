/** The embedded engine: trainer and sampler on one GGUF in one process. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { EngineError, type Engine, type EngineInfo, type EngineOptions } from '../ports.ts';
import { readAdapter } from './adapter.ts';
import { closeDevice, openCpu, openDevice, type Device } from './backend.ts';
import { loadFrozen } from './frozen.ts';
import { initialAdapter } from './lora.ts';
import { isF32, readF32 } from './gguf-data.ts';
import { chatFormatOf } from './chat-format.ts';
import { readGguf, type GgufFile } from './gguf.ts';
import { GraphDecoder } from './graph-decoder.ts';
import { LlamaDecoder } from './llama-decoder.ts';
import { Parameters } from './parameters.ts';
import { checkPlan, countOf, planTraining, SMALL, type TrainingPlan } from './plan.ts';
import { uniformAt } from './random.ts';
import { Closer, GgmlEngine, LlamaModel } from './session.ts';
import { expectedTensors, shapeOf, type Shape } from './shape.ts';
import { Softmax } from './softmax.ts';
import { LlamaVocabulary, ownTokenizer } from './tokenizer.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

/** Below this many parameters one sequence is decoded by one thread: threads that wait for each other cost more than they bring. */
const WIDE = 1e9;

/** For tests: which sampler, instead of the choice by size. */
export interface GgmlOverrides {
  readonly sampler?: 'graph' | 'llama';
}

/**
 * Opens a model for self-play or, with `inference`, for evaluation.
 * @throws EngineError with a sentence that says what to do; nothing stays open then.
 */
export async function openGgmlEngine(options: EngineOptions, overrides: GgmlOverrides = {}): Promise<Engine> {
  checkOptions(options);
  const file = readGguf(options.model);
  const shape = shapeOf(file);
  const parameters = countOf(expectedTensors(shape));
  const sampler = overrides.sampler ?? (parameters <= SMALL && isF32(file) ? 'graph' : 'llama');
  // One sequence alone takes all threads together; several take one each.
  const single = options.inference === true && options.parallel === 1;
  // A GPU gains nothing on a model this small: launching its kernels would take most of the time.
  const device = openDevice(options.backend === 'auto' && parameters <= SMALL ? 'cpu' : options.backend, single ? 1 : options.threads);
  const cleanup = new Closer();
  cleanup.defer(() => closeDevice(device));
  try {
    const plan = options.inference === true ? null : planTraining(device, file, options);
    if (plan !== null) {
      options.onPlan?.(plan);
      checkPlan(plan, options);
    }
    const weights = await openWeights(options, file, shape, device, sampler);
    if (weights !== null) cleanup.defer(() => weights.dispose());
    const own = ownTokenizer(file);
    let model: LlamaModel | null = null;
    if (sampler === 'llama' || own === null) {
      if (sampler === 'llama') checkForLlama(options.model, shape);
      const opened = new LlamaModel(device, options.model, sampler !== 'llama');
      cleanup.defer(() => opened.dispose());
      model = opened;
    }
    const tokenizer = own ?? new LlamaVocabulary((model as LlamaModel).l, (model as LlamaModel).native, file);
    if (tokenizer.size !== shape.vocabulary)
      throw new EngineError(
        'corrupt',
        `${options.model} has ${tokenizer.size} tokens for ${shape.vocabulary} embeddings. Export the model again.`,
      );
    const trainer = weights === null || options.inference === true ? null : new Trainer(device, weights, trainerOptions(options, plan));
    if (trainer !== null) cleanup.defer(() => trainer.dispose());
    const context = Math.min(options.contextLength, shape.context);
    const slots = Math.max(1, Math.ceil(options.parallel / device.lanes.length));
    const info: EngineInfo = {
      backend: device.name,
      model: options.model,
      modelHash: await hashFile(options.model),
      architecture: shape.architecture ?? 'llama',
      parameters,
      trainable: trainer === null ? 0 : [...trainer.parameters.trainable.values()].reduce((a, p) => a + p.size, 0),
      contextLength: context,
      vocabularySize: shape.vocabulary,
      eosToken: tokenizer.eosToken,
      dialect: dialectOf(file),
      mode: options.mode,
    };
    // Logits lie in the memory of the host; a GPU's lane cannot read them there.
    const host = sampler === 'llama' && device.name !== 'ggml-cpu' ? openCpu(device.g, options.threads) : null;
    if (host !== null) cleanup.defer(() => device.g.f.ggml_backend_free(host));
    const decoders: (GraphDecoder | LlamaDecoder)[] = device.lanes.map((lane) => {
      const threads = device.lanes.length > 1 || parameters < WIDE ? 1 : options.threads;
      const decoder =
        sampler === 'graph'
          ? new GraphDecoder(device.g, lane, weights as Parameters, slots, context)
          : new LlamaDecoder((model as LlamaModel).l, (model as LlamaModel).native, new Softmax(device.g, host ?? lane, shape.vocabulary), {
              slots,
              context,
              vocabulary: shape.vocabulary,
              threads,
            });
      cleanup.defer(() => decoder.dispose());
      return decoder;
    });
    const engine = new GgmlEngine({
      info,
      chatFormat: chatFormatOf(file),
      tokenizer,
      trainer,
      weights,
      decoders,
      model,
      shape,
      file,
      cleanup,
    });
    if (sampler === 'llama' && options.mode === 'lora' && weights !== null) engine.refresh();
    else if (sampler === 'llama' && options.adapter !== undefined) engine.apply(options.adapter);
    return engine;
  } catch (error) {
    cleanup.close();
    throw error;
  }
}

/** What the trainer knows and llama.cpp does not; the first would end the process. */
function checkForLlama(path: string, { architecture = 'llama', width, heads, headWidth, rope }: Shape): void {
  const why =
    rope !== undefined && rope.width !== headWidth
      ? `turns ${rope.width} of the ${headWidth} elements of each head`
      : architecture === 'qwen2' && heads * headWidth !== width
        ? `has ${heads} heads of ${headWidth} elements in a width of ${width}`
        : null;
  if (why === null) return;
  throw new EngineError(
    'unsupported',
    `${path} ${why}, with which llama.cpp cannot sample in a ${architecture} model. Choose another model.`,
  );
}

function checkOptions({ mode, adapter, lora }: EngineOptions): void {
  if (mode === 'full' && adapter !== undefined) throw new EngineError('unsupported', 'An adapter needs engine.mode "lora".');
  if (mode === 'lora' && !(Number.isInteger(lora.rank) && lora.rank >= 1 && lora.alpha > 0))
    throw new EngineError('unsupported', `The LoRA rank ${lora.rank} and alpha ${lora.alpha} must be positive, the rank a whole number.`);
}

const trainerOptions = (options: EngineOptions, plan: TrainingPlan | null): TrainerOptions => ({
  tokenBudget: options.tokenBudget,
  checkpointing: plan?.checkpointing ?? false,
  compute: options.compute ?? 'f32',
});

/** Weights on the device, or null when libllama alone samples. */
async function openWeights(
  options: EngineOptions,
  file: GgufFile,
  shape: Shape,
  device: Device,
  sampler: 'graph' | 'llama',
): Promise<Parameters | null> {
  const inference = options.inference === true;
  if (sampler === 'llama' && inference) return null;
  if (options.mode === 'full')
    return new Parameters(device, {
      ...{ shape, mode: 'full', lora: options.lora, values: readF32(file).values, inference },
      frozen: await loadFrozen(device, file, shape, 'full'),
    });
  let counter = 0;
  const start = options.adapter === undefined ? null : readAdapter(options.adapter, shape);
  if (start !== null && !inference && start.rank !== options.lora.rank)
    throw new EngineError('unsupported', `The adapter has rank ${start.rank}; set engine.lora.rank to it.`);
  const lora = start ?? options.lora;
  const values = start?.values ?? initialAdapter(shape, lora.rank, () => uniformAt(options.seed, 0, counter++));
  const frozen = await loadFrozen(device, file, shape, 'lora');
  return new Parameters(device, { shape, mode: 'lora', lora: { rank: lora.rank, alpha: lora.alpha }, values, frozen, inference });
}

const dialectOf = (file: GgufFile): string => {
  const dialect = file.metadata.get('kelvin.dialect');
  return typeof dialect === 'string' ? dialect : 'chat';
};

/** SHA-256 of a file, hex. */
async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
