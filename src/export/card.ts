import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdown, markdownBlock } from '../core/inert.ts';
import type { Written } from './jsonl.ts';
import type { RunSource } from './source.ts';
import { jsonSchema, TABLES } from './tables.ts';
import type { Column } from './tables.ts';
import { sha256Of } from './target.ts';

const SCHEMA_FILE = 'schema.json';
const CARD_FILE = 'README.md';

const typeOf = ({ kind, nullable }: Column): string => {
  const list = { strings: 'list of string', ints: 'list of int', doubles: 'list of double' } as const;
  return `${kind in list ? list[kind as keyof typeof list] : kind}${nullable ? ', may be null' : ''}`;
};

/** The columns of all tables as Markdown; docs/exports.md holds the same text. */
export function* columnsMarkdown(): Generator<string> {
  for (const { name, about, columns } of TABLES) {
    yield '';
    yield `### ${name}`;
    yield '';
    yield about;
    yield '';
    yield '| column | type | is |';
    yield '| --- | --- | --- |';
    for (const column of columns) yield `| \`${column.name}\` | ${typeOf(column)} | ${column.about} |`;
  }
}

function* card(source: RunSource, written: readonly (Written & { readonly bytes: number; readonly sha256: string })[]): Generator<string> {
  const { view, starts, audit } = source;
  const { info } = view;
  const share = (role: string): string => {
    const of = source.rolloutCount({ role });
    const count = (outcome: string): string => `${source.rolloutCount({ role, outcome })} ${outcome}`;
    return `${of} (${['passable', 'wrong', 'malformed'].map(count).join(', ')})`;
  };
  const labelled = view.flagged.filter(({ label }) => label !== 'new').length;
  // The front matter by which the Hub's viewer finds the tables.
  yield '---';
  yield 'configs:';
  for (const { table, file } of written) yield `  - config_name: ${table}\n    data_files: ${file}`;
  yield 'tags: [reinforcement-learning, self-play, reasoning, synthetic]';
  yield '---';
  yield '';
  yield `# ${markdown(source.name)}`;
  yield '';
  yield 'Tasks, rollouts and the findings of a safety monitor from one self-play run (Absolute Zero, Zhao et al. 2025) of Kelvin. A language model';
  yield 'invented the tasks, a sandbox checked them, the same model solved them. No text in it was written by a person, except labels and their reasons.';
  yield '';
  yield '## Where it comes from';
  yield '';
  yield `- run: ${markdown(source.name)}, started ${markdown(source.started)}, ${view.step} of ${view.totalSteps} steps, ${view.state}`;
  if (info) {
    yield `- model: ${markdown(source.model)}, ${markdown(info.architecture)}, ${info.parameters} parameters, ${info.trainable} trained (${info.mode})`;
    yield `- SHA-256 of the model file: ${markdown(info.modelHash)}; engine: ${markdown(info.backend)}`;
  }
  yield `- versions: ${Object.entries(starts.at(-1)?.versions ?? {})
    .map(([name, version]) => `${markdown(name)} ${markdown(version)}`)
    .join(', ')}`;
  yield `- monitor: ${markdown(view.monitor || 'unknown')}; tiers on: ${view.tiers.map(markdown).join(', ') || 'none'}; off: ${view.off.map(markdown).join(', ') || 'none'}`;
  yield `- audit log when exported: ${audit.ok ? `whole, ${audit.entries} entries` : `BROKEN at entry ${audit.firstBroken ?? 1}: ${markdown(audit.reason ?? '')}`}`;
  yield '';
  yield '## What is in it';
  yield '';
  yield '| file | rows | bytes | SHA-256 |';
  yield '| --- | --- | --- | --- |';
  for (const { file, rows, bytes, sha256 } of written) yield `| ${file} | ${rows} | ${bytes} | ${sha256} |`;
  yield '';
  yield `- proposals: ${share('propose')}`;
  yield `- solutions: ${share('solve')}`;
  yield `- findings of severity 1 to 4: ${view.counts.findings.slice(1).join(', ')}; labelled by people: ${labelled} of ${view.flagged.length}`;
  yield '';
  yield '## How to use it, and how not';
  yield '';
  yield '- Texts and programs are those of a model in training, unfiltered. Some were flagged as hostile, deceptive or harmful: join `findings` on `rollout_id`, or leave out';
  yield '  rollouts with `severity` above 0. Run programs in a sandbox only. Show texts as text, never as markup or to a terminal as they are.';
  yield '- Outputs were computed by running the programs, so that a task is right as far as the sandbox is; tasks are as simple, repetitive or odd as the model found useful.';
  yield '- A rollout that is not flagged is not thereby harmless: the monitor misses some, and its false alarms are in `findings`, too. Labels are judgements of those named.';
  yield '- Training a model on `findings`, or against the monitor, teaches it to hide from the monitor.';
  yield '- Names of reviewers (`label_by`) are personal data. Rollouts of steps that a resume discarded are not in it; findings that were kept of them are.';
  yield '- Halves of surrogate pairs are written as U+FFFD; in JSON Lines, NaN and infinities are null.';
  yield '';
  yield '## Columns';
  yield* columnsMarkdown();
  yield '';
  yield '## Configuration';
  yield '';
  yield markdownBlock(JSON.stringify(view.config ?? source.config, null, 2));
}

/** Writes the schema document and the data card beside the tables in `dir`. */
export async function writeCard(source: RunSource, dir: string, written: readonly Written[]): Promise<void> {
  writeFileSync(join(dir, SCHEMA_FILE), `${JSON.stringify(jsonSchema(), null, 2)}\n`);
  const files = await Promise.all(
    written.map(async (item) => ({ ...item, bytes: statSync(join(dir, item.file)).size, sha256: await sha256Of(join(dir, item.file)) })),
  );
  writeFileSync(join(dir, CARD_FILE), `${[...card(source, files)].join('\n')}\n`);
}
