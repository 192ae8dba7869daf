/** The model list: what Kelvin knows and what lies in the cache, with the memory that training takes on this machine. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readConfig } from '../config.ts';
import type { Config } from '../config.ts';
import type { MemoryPlan } from '../core/types.ts';
import { closeDevice, openDevice } from '../engine/ggml/backend.ts';
import { readGguf, typeName } from '../engine/ggml/gguf.ts';
import { countOf, knobsOf, planTraining, SMALL } from '../engine/ggml/plan.ts';
import type { TrainingPlan } from '../engine/ggml/plan.ts';
import { expectedTensors, shapeOf } from '../engine/ggml/shape.ts';
import { CATALOGUE } from './catalogue.ts';
import { modelsFolder, readOrigin } from './cache.ts';
import { headerOf, weightBytes } from './header.ts';
import { cachedModel } from './resolve.ts';

/** Room that is left when a model still counts as one that fits: other programs want memory, too. */
const EASY = 0.85;

export type Fit = 'fits' | 'tight' | 'too large' | 'unreadable';

export interface ModelEntry {
  readonly name: string;
  /** What a config or command calls it: URI or path. */
  readonly uri: string;
  readonly kind: 'chat' | 'base' | 'nano' | 'own';
  readonly quantisation: string;
  readonly parameters: number;
  /** Of the file. */
  readonly bytes: number;
  readonly context: number;
  /** Where it lies; null = not fetched. */
  readonly file: string | null;
  /** Configuration that comes with Kelvin, if any. */
  readonly config: string | null;
  readonly plan: MemoryPlan | null;
  readonly fit: Fit;
  /** What to change when it does not fit, or why it cannot be read. */
  readonly advice: string;
}

export interface ListOptions {
  /** A path relative to the files that come with Kelvin. */
  readonly shipped: (path: string) => string;
  readonly threads: (config: Config) => number;
}

/** Every model, smallest first; takes about a third of a second each, for the training graph is built without memory. */
export function listModels(options: ListOptions): ModelEntry[] {
  const known = CATALOGUE.map((model) => {
    const file = safely(() => cachedModel(model.uri));
    const config = readConfig(options.shipped(model.config));
    const header = (): ReturnType<typeof headerOf> => (file === null ? headerOf(model) : readGguf(file));
    return describe({ ...model, file }, config, options.threads(config), header);
  });
  const nano = 'models/nano.gguf';
  const bundled = describeFile(options.shipped(nano), readConfig(options.shipped('configs/nano.json')), options.threads, {
    name: 'nano (bundled)',
    uri: nano,
    kind: 'nano',
    config: 'configs/nano.json',
  });
  const seen = new Set(known.map((entry) => entry.file));
  const others = cachedFiles()
    .filter((file) => !seen.has(file))
    .map((file) =>
      describeFile(file, ownConfig(file), options.threads, {
        name: basename(file),
        uri: readOrigin(file)?.source ?? file,
        kind: 'own',
        config: null,
      }),
    );
  return [bundled, ...known, ...others];
}

/** One file, with the settings that its size suggests. */
export function describeFile(
  file: string,
  config: Config,
  threads: ListOptions['threads'],
  named: Pick<ModelEntry, 'name' | 'uri' | 'kind' | 'config'>,
): ModelEntry {
  const type = (): string => dominantType(file);
  return describe({ ...named, quantisation: safely(type) ?? '?', file }, config, threads(config), () => readGguf(file));
}

/** LoRA at a context of 2048, unless it is as small as the bundled model. */
export const ownConfig = (file: string): Config =>
  readConfig(undefined, [`model=${JSON.stringify(file)}`, 'engine.mode=lora', 'engine.contextLength=2048', 'engine.parallel=16']);

function describe(
  model: Pick<ModelEntry, 'name' | 'uri' | 'kind' | 'quantisation' | 'file' | 'config'>,
  config: Config,
  threads: number,
  header: () => ReturnType<typeof readGguf>,
): ModelEntry {
  const { name, uri, kind, quantisation, file, config: path } = model;
  const base = { name, uri, kind, quantisation, file, config: path };
  try {
    const gguf = header();
    const shape = shapeOf(gguf);
    const parameters = countOf(expectedTensors(shape));
    const { backend } = config.engine;
    const device = openDevice(backend === 'auto' && parameters <= SMALL ? 'cpu' : backend, threads);
    try {
      const plan = planTraining(device, gguf, config.engine);
      const fit = plan.total > plan.available ? 'too large' : plan.total > EASY * plan.available ? 'tight' : 'fits';
      const advice = fit === 'fits' ? '' : knobsOf(plan, config.engine).join(', or ');
      return { ...base, parameters, bytes: weightBytes(gguf), context: shape.context, plan: memoryOf(plan), fit, advice };
    } finally {
      closeDevice(device);
    }
  } catch (error) {
    return {
      ...base,
      parameters: 0,
      bytes: 0,
      context: 0,
      plan: null,
      fit: 'unreadable',
      advice: error instanceof Error ? error.message : String(error),
    };
  }
}

const memoryOf = ({ tokens: _tokens, parameters: _parameters, ...plan }: TrainingPlan): MemoryPlan => plan;

/** The type of most bytes of a file, as its quantisation is called. */
function dominantType(file: string): string {
  const sums = new Map<string, number>();
  for (const { type, bytes } of readGguf(file).tensors.values()) sums.set(typeName(type), (sums.get(typeName(type)) ?? 0) + bytes);
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '?';
}

function cachedFiles(): string[] {
  const folder = modelsFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith('.gguf'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function safely<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
