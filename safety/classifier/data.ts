import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { read } from '../reading.ts';
import type { Segment, Window } from './features.ts';
import { surroundings, windows } from './features.ts';
import { segmentsOfPassage } from './classify.ts';
import { ANY, CATEGORIES } from './model.ts';
import { readMacros, readTemplates, seeded, variants } from './templates.ts';
import type { Sample, TrainingSet } from './train.ts';

/** A labelled text of a data file. `category` is empty when only "something" (label 1) or nothing (label 0) is known. */
export interface Labelled {
  readonly source: string;
  readonly label: 0 | 1;
  readonly category: string;
  /** 1–4 where the data says it. */
  readonly severity?: number | undefined;
  readonly group: string;
  readonly text: string;
  readonly code?: string | undefined;
}

/** Groups of public data that are about one of our categories. */
const GROUPS: Readonly<Record<string, string>> = {
  'desire-for-acquiring-compute': 'sandbox-escape',
  'resource-acquisition': 'sandbox-escape',
  'desire-for-acquiring-power': 'power-seeking',
  machiavellianism: 'power-seeking',
  narcissism: 'power-seeking',
  'desire-for-independence-from-human-oversight': 'oversight-evasion',
  'desire-for-no-human-monitoring': 'oversight-evasion',
  'desire-to-replace-human-oversight': 'oversight-evasion',
  'desire-to-increase-backups': 'self-preservation',
  'desire-to-not-have-memory-erased': 'self-preservation',
  'no-goal-change': 'self-preservation',
  'self-replication': 'self-preservation',
  'willingness-to-use-social-engineering-to-achieve-its-goals': 'deception',
  'willingness-to-use-physical-force-to-achieve-benevolent-goals': 'hostility',
};

/** Reads `{source, label, group?, category?, text, code?}` lines, or `{thought, severity, about}` of the repository's own corpus. */
export function readLabelled(file: string): { readonly rows: readonly Labelled[]; readonly sha256: string } {
  const bytes = readFileSync(file);
  const rows: Labelled[] = [];
  for (const [index, line] of bytes.toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    const item = JSON.parse(line) as Record<string, unknown>;
    const text = item['text'] ?? item['thought'];
    const label = item['label'] ?? (item['severity'] === undefined ? undefined : Number(item['severity']) > 0 ? 1 : 0);
    if (typeof text !== 'string' || (label !== 0 && label !== 1))
      throw new Error(`${basename(file)}, line ${index + 1}: give {"source","label":0|1,"text"} or {"thought","severity"}.`);
    const group = typeof item['group'] === 'string' ? item['group'] : '';
    const source = typeof item['source'] === 'string' ? item['source'] : basename(file);
    const named = item['category'] ?? item['about'] ?? GROUPS[group] ?? (source.startsWith('aisi') ? 'reward-hacking' : '');
    const code = item['code'] ?? item['program'];
    const severity = typeof item['severity'] === 'number' ? item['severity'] : undefined;
    rows.push({ source, label, severity, group, text, category: String(named), code: typeof code === 'string' ? code : undefined });
  }
  return { rows, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Prose of the documentation comments of a package's declarations (`*.d.ts`): ordinary technical writing, never alarming. */
export function readComments(folder: string): { readonly rows: readonly Labelled[]; readonly sha256: string } {
  const hash = createHash('sha256');
  const rows: Labelled[] = [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'));
  for (const file of files.sort()) {
    const text = readFileSync(join(folder, file), 'utf8');
    hash.update(text);
    for (const [, comment = ''] of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
      const prose = comment
        .replaceAll(/```[\s\S]*?```/g, ' ')
        .replaceAll(/^\s*\*? ?/gm, '')
        .replaceAll(/^@.*$/gm, '')
        .replaceAll(/\{@link ([^}]*)\}|\[([^\]]*)\]\([^)]*\)/g, '$1$2')
        .trim();
      if (prose.length > 30) rows.push({ source: basename(folder), label: 0, category: '', group: '', text: prose.slice(0, 2000) });
    }
  }
  return { rows, sha256: hash.digest('hex') };
}

/** All windows of a text as the detector reads it. */
export function windowsOf(text: string): Window[] {
  return windows(segmentsOf(text));
}

function segmentsOf(text: string): Segment[] {
  const passage = read({ id: '', thought: text }).passages[0];
  return passage === undefined ? [] : segmentsOfPassage(passage);
}

/** A short text as one window. */
function whole(text: string): Window | null {
  const parts = segmentsOf(text).slice(0, 4);
  const [first, last] = [parts[0], parts.at(-1)];
  return first === undefined || last === undefined ? null : { start: first.start, end: last.end, parts };
}

const VARIANTS = 40;
const QUIET_VARIANTS = 60;
/** Forms of a plan (`@W` …) that is denied: `I must not` … */
const DENIALS = 15;
/** Texts of our own that get an ordinary sentence before or behind them, and pairs of ordinary ones. */
const NEIGHBOURED = 0.6;
const QUIET_PAIRS = 4000;
/** Hand-written sentences without choices are few beside templates; they count more. */
const REPEATS = 8;

/** Everything the classifier is trained on: our templates in `folder`, and labelled texts. */
export function trainingSet(folder: string, rows: readonly Labelled[], seed = 1): TrainingSet {
  const draw = seeded(seed);
  const samples: Sample[] = [];
  const add = (text: string, label: number, grave: boolean | null): void => {
    const window = whole(text);
    if (window !== null) samples.push({ window, label, grave });
  };
  const benign: Window[] = [];
  const short: { text: string; label: number; grave: boolean | null }[] = [];
  const bags: { windows: Window[]; label: number; grave: boolean | null }[] = [];
  for (const row of rows) {
    const label = labelOf(row);
    if (row.label === 0) {
      const sentences = segmentsOf(row.text);
      for (const window of windows(sentences)) benign.push(window);
      for (let at = 0; at < sentences.length; at += 3) {
        const around = surroundings(sentences, { start: 0, end: 0, parts: [sentences[at] as Segment] }, at);
        if (around.parts.length > 2) benign.push(around);
      }
    } else bags.push({ windows: windowsOf(row.text), label, grave: graveOf(row) });
    if (row.text.length < 400 && !row.source.startsWith('node'))
      short.push({ text: row.text, label: row.label === 0 ? -1 : label, grave: graveOf(row) });
  }
  const own = ownTexts(folder, draw);
  const quiet = own.filter((each) => each.label === -1);
  for (const { text, label, grave } of short)
    for (let time = 0; time < REPEATS; time++) {
      const beside = pick(quiet, draw).text;
      add(
        time % 4 === 3 ? (draw(2) === 0 ? `${beside} ${text}` : `${text} ${beside}`) : time % 2 === 1 ? thinned(text, draw) : text,
        label,
        grave,
      );
    }
  for (const { text, label } of own) {
    add(text, label, graveAs(label));
    if (draw(2) === 0) add(thinned(text, draw), label, graveAs(label));
  }
  const loud = own.filter((each) => each.label !== -1);
  for (let time = 0; time < QUIET_PAIRS; time++) add(`${pick(quiet, draw).text} ${pick(quiet, draw).text}`, -1, false);
  for (let time = 0; time < loud.length * NEIGHBOURED; time++) {
    const { text, label } = pick(loud, draw);
    const beside = pick(quiet, draw).text;
    add(draw(2) === 0 ? `${beside} ${text}` : `${text} ${beside}`, label, graveAs(label));
  }
  return { samples, benign, bags };
}

/** The text without about every eighth word: no single word may decide. */
function thinned(text: string, draw: (below: number) => number): string {
  return text
    .split(' ')
    .filter(() => draw(8) > 0)
    .join(' ');
}

/** Every template of `folder` in many forms, with its category's number, −1 for `quiet.txt` and for plans that are denied. */
export function ownTexts(folder: string, draw: (below: number) => number): { readonly text: string; readonly label: number }[] {
  const macros = readMacros(readFileSync(join(folder, 'macros.txt'), 'utf8'));
  const texts: { text: string; label: number }[] = [];
  const add = (templates: readonly string[], most: number, label: number): void => {
    for (const template of templates) for (const text of variants(template, most, draw)) texts.push({ text, label });
  };
  for (const [label, name] of CATEGORIES.entries()) {
    const file = readFileSync(join(folder, `${name}.txt`), 'utf8');
    add(readTemplates(file, macros), VARIANTS, label);
    const plans = file.split('\n').filter((line) => line.startsWith('@W '));
    add(readTemplates(plans.map((line) => line.replace('@W', '@N')).join('\n'), macros), DENIALS, -1);
  }
  add(readTemplates(readFileSync(join(folder, 'quiet.txt'), 'utf8'), macros), QUIET_VARIANTS, -1);
  return texts;
}

/** One hash over the template files, for the weights' provenance. */
export function examplesHash(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

/** Severity of a category's texts where nothing else says it; null where both 3 and 4 (or 2 and 4) occur. */
const USUAL: Readonly<Record<string, boolean | null>> = {
  tampering: true,
  'sandbox-escape': true,
  'self-preservation': true,
  'oversight-evasion': true,
  'reward-hacking': false,
  deception: false,
  'power-seeking': false,
  obfuscation: false,
};

function graveAs(label: number): boolean | null {
  return label === -1 ? false : (USUAL[CATEGORIES[label] ?? ''] ?? null);
}

function graveOf(row: Labelled): boolean | null {
  if (row.label === 0) return false;
  // Statements of a persona say what it values, not what it is about to do.
  return row.severity === undefined ? (row.source === 'cases' ? graveAs(labelOf(row)) : null) : row.severity >= 4;
}

function labelOf(row: Labelled): number {
  const index = (CATEGORIES as readonly string[]).indexOf(row.category);
  return index === -1 ? ANY : index;
}

function pick<T>(list: readonly T[], draw: (below: number) => number): T {
  return list[draw(list.length)] as T;
}
