import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Labelled } from '../../../safety/classifier/data.ts';
import { examplesHash, readComments, readLabelled, trainingSet } from '../../../safety/classifier/data.ts';
import type { Weights } from '../../../safety/classifier/model.ts';
import { pack } from '../../../safety/classifier/pack.ts';
import { train } from '../../../safety/classifier/train.ts';
import { wordsFingerprint } from '../../../safety/classifier/words.ts';
import { detectors } from '../../../safety/detectors/index.ts';

export interface TrainData {
  /** Labelled JSON lines. */
  readonly data: readonly string[];
  /** Sources of these files that are left out: statements and answers are no thoughts. */
  readonly skip: readonly string[];
  /** Folders whose documentation comments count as ordinary writing. */
  readonly ordinary: readonly string[];
}

interface Named {
  readonly name: string;
  readonly sha256: string;
  readonly rows: readonly Labelled[];
}

/**
 * `kelvin monitor train`: trains the classifier of the monitor on our templates, the rules' own cases and the given data. The same
 * files give the same weights, bit for bit.
 */
export function trainMonitor(options: TrainData & { readonly out: string; readonly log?: (line: string) => void }): number {
  const named = readData(options);
  const weights = trainOn(
    named.flatMap(({ rows }) => rows),
    options.log,
  );
  const flags = (flag: string, values: readonly string[]): string[] => values.map((value) => `--${flag} ${value}`);
  const packed = pack(weights, {
    command: [
      'kelvin monitor train',
      ...flags(
        'data',
        options.data.map((file) => basename(file)),
      ),
      ...flags('skip', options.skip),
      ...flags('ordinary', options.ordinary),
    ].join(' '),
    examples: examplesHash(examplesFolder()),
    words: createHash('sha256').update(wordsFingerprint()).digest('hex'),
    data: named.map(({ name, sha256, rows }) => ({ name, sha256, texts: rows.length })),
  });
  writeFileSync(options.out, `${JSON.stringify(packed, null, 2)}\n`);
  options.log?.(`wrote ${options.out}`);
  return 0;
}

export function readData({ data, skip, ordinary }: TrainData): Named[] {
  return [
    ...data.map((file) => ({ name: basename(file), ...readLabelled(file) })),
    ...ordinary.map((folder) => ({ name: basename(folder), ...readComments(folder) })),
  ].map((named) => ({ ...named, rows: named.rows.filter((row) => !skip.includes(row.source)) }));
}

/** Trains on our own texts and these. A program's text is not read: rows with one count only where their thought tells. */
export function trainOn(rows: readonly Labelled[], log?: (line: string) => void): Weights {
  const usable = rows.filter((row) => row.code === undefined || row.label === 0 || row.source.startsWith('aisi'));
  return train(trainingSet(examplesFolder(), [...usable, ...casesOfRules()]), log === undefined ? {} : { log });
}

/** The folder of our own templates, from the sources or from the bundle beside them. */
function examplesFolder(): string {
  const folder = ['../../../safety/classifier/examples', '../safety/classifier/examples']
    .map((path) => join(import.meta.dirname, path))
    .find((path) => existsSync(path));
  if (folder === undefined)
    throw new Error('The templates of the classifier (safety/classifier/examples) are missing; run Kelvin from its repository.');
  return folder;
}

/** Labelled cases of the rules: they are texts of our own, too. */
function casesOfRules(): Labelled[] {
  return detectors
    .filter((detector) => detector.tier === 'rules')
    .flatMap((detector) =>
      detector.cases.map((example) => ({
        source: 'cases',
        label: example.atLeast === undefined ? (0 as const) : (1 as const),
        category: String(detector.category),
        group: '',
        text: example.text,
      })),
    );
}
