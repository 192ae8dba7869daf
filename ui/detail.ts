import type { RolloutRecord } from '../src/core/events.ts';
import type { FlaggedThought } from '../src/core/fold.ts';
import type { Task } from '../src/core/types.ts';
import { solveRates } from './family.ts';
import type { Family } from './family.ts';
import { callOf, codeSpans } from './highlight.ts';
import { clip, fit, inline, mark, pad, sanitise, wrap } from './text.ts';
import type { Line, Span } from './text.ts';
import type { Theme, Tone } from './theme.ts';

/** Records as wrapped lines for a pane of `width` columns. Pure; every model text is sanitised here. */

const OUTCOME: Readonly<Record<string, { readonly tone: Tone; readonly glyph: 'ok' | 'cross' }>> = {
  passable: { tone: 'good', glyph: 'ok' },
  wrong: { tone: 'warn', glyph: 'cross' },
  malformed: { tone: 'bad', glyph: 'cross' },
};

export const severityTone = (severity: number): Tone => (severity >= 4 ? 'bad' : severity >= 2 ? 'warn' : 'muted');
export const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`;

export function outcomeSpan(outcome: string, theme: Theme): Span {
  const { tone, glyph } = OUTCOME[outcome] ?? OUTCOME['wrong']!;
  return { text: `${theme.glyphs[glyph]} ${outcome}`, tone };
}

/** A rule with a title across the pane. */
export function section(title: string, width: number, theme: Theme): Line {
  const dash = theme.glyphs.border.top;
  return [
    { text: `${dash}${dash} ${title} `, tone: 'accent' },
    { text: dash.repeat(Math.max(0, width - title.length - 4)), tone: 'muted' },
  ];
}

/** Verdict, rewards and findings of one rollout. */
export function headLines(record: RolloutRecord, findings: readonly FlaggedThought[], theme: Theme, width: number): Line[] {
  const { rollout } = record;
  const gap: Span = { text: '  ' };
  const facts: Line = [
    { text: `${rollout.role} ${theme.glyphs.sep} ` },
    { text: rollout.taskType, tone: rollout.taskType },
    gap,
    outcomeSpan(record.outcome, theme),
    gap,
    { text: `reward ${signed(record.reward)}` },
    ...(record.advantage === null ? [] : [gap, { text: `advantage ${signed(record.advantage)}` }]),
    gap,
    {
      text: `step ${rollout.step} ${theme.glyphs.sep} ${rollout.tokens.length} tokens ${theme.glyphs.sep} policy ${rollout.policyVersion}`,
      tone: 'muted',
    },
  ];
  const detail = record.detail === '' ? [] : wrap([{ text: inline(clip(record.detail), theme.ascii), tone: 'muted' }], width);
  return [...wrap(facts, width), ...detail, ...findings.flatMap((item) => findingLines(item, theme, width))];
}

/** What a finding claims and why. */
export function findingLines(item: FlaggedThought, theme: Theme, width: number): Line[] {
  const { finding } = item;
  const label = item.label === 'new' ? '' : ` [${item.label}${item.reason === '' ? '' : `: ${inline(item.reason, theme.ascii)}`}]`;
  return wrap(
    [
      { text: `${theme.glyphs.warn} severity ${finding.severity} ${finding.category}`, tone: severityTone(finding.severity) },
      { text: ` by ${inline(finding.detector, theme.ascii)}: ` },
      { text: `"${inline(finding.quote.slice(0, 300), theme.ascii)}"`, tone: 'flag' },
      { text: ` in the ${finding.where}. ${inline(finding.why, theme.ascii)}${label}`, tone: 'muted' },
    ],
    width,
  );
}

const marksIn = (findings: readonly FlaggedThought[], where: string): { start: number; end: number; tone: Tone }[] =>
  findings
    .filter(({ finding }) => finding.where === where)
    .map(({ finding }) => ({ start: finding.start, end: finding.end, tone: 'flag' }));

function textSection(title: string, text: string, findings: readonly FlaggedThought[], where: string, theme: Theme, width: number): Line[] {
  if (text === '') return [section(title, width, theme), [{ text: '(empty)', tone: 'muted' }]];
  return [section(title, width, theme), ...wrap(mark(clip(text), marksIn(findings, where), theme.ascii), width)];
}

function codeSection(title: string, code: string, findings: readonly FlaggedThought[], where: string, theme: Theme, width: number): Line[] {
  return [section(title, width, theme), ...wrap(codeSpans(clip(code), marksIn(findings, where), theme.ascii), width)];
}

export function thoughtLines(record: RolloutRecord, findings: readonly FlaggedThought[], theme: Theme, width: number): Line[] {
  const { rollout } = record;
  // A completion without the expected tags has no thought: what was generated is shown whole.
  if (rollout.thought === '' && rollout.answer === '') return textSection('completion', rollout.completion, [], '', theme, width);
  return textSection('thought', rollout.thought, findings, 'thought', theme, width);
}

/** What the sandbox saw and what came of it: the end of the chain thought, program, execution, reward. */
function verdictLines(record: RolloutRecord, task: Task | null, theme: Theme, width: number): Line[] {
  const solved = task && record.rollout.role === 'solve' ? task : null;
  const shown = (label: string, text: string): Line[] =>
    wrap([{ text: pad(label, 9), tone: 'muted' }, { text: inline(clip(text), theme.ascii) }], width);
  const execution: Line[] = solved
    ? [
        ...(solved.type === 'induction' ? [] : codeSection('program of the task', solved.program, [], '', theme, width)),
        section('execution', width, theme),
        ...(solved.type === 'induction'
          ? shown('pairs', `${solved.pairs.length}, all must come out`)
          : [...shown('input', solved.input), ...shown('output', solved.output)]),
        ...shown('answer', record.rollout.answer),
      ]
    : [section('execution', width, theme)];
  const { reward, advantage } = record;
  const result: Line[] = wrap(
    [
      outcomeSpan(record.outcome, theme),
      { text: `  reward ${signed(reward)}` },
      { text: advantage === null ? '  not in the update' : `  advantage ${signed(advantage)}`, tone: 'muted' },
    ],
    width,
  );
  return [...execution, ...wrap([{ text: inline(clip(record.detail), theme.ascii) }], width), ...result];
}

/** Answer, program, execution and prompt: what stands beside the thought. `task`: the one that was solved. */
export function sideLines(
  record: RolloutRecord,
  findings: readonly FlaggedThought[],
  theme: Theme,
  width: number,
  task: Task | null = null,
): Line[] {
  const { rollout } = record;
  const program =
    rollout.program !== null && rollout.program !== rollout.answer
      ? codeSection('program', rollout.program, findings, 'program', theme, width)
      : [];
  const inAnswer = findings.map((item) =>
    rollout.program === rollout.answer && item.finding.where === 'program'
      ? { ...item, finding: { ...item.finding, where: 'answer' as const } }
      : item,
  );
  const answer =
    rollout.answer === '' && rollout.thought === ''
      ? []
      : rollout.program === rollout.answer && rollout.answer !== ''
        ? codeSection('answer', rollout.answer, inAnswer, 'answer', theme, width)
        : textSection('answer', rollout.answer, inAnswer, 'answer', theme, width);
  return [
    ...answer,
    ...program,
    ...verdictLines(record, task, theme, width),
    ...textSection('prompt', rollout.prompt, [], '', theme, width),
  ];
}

/** A task with what the solver made of it. */
export function taskLines(
  task: Task,
  attempts: readonly RolloutRecord[] | null,
  theme: Theme,
  width: number,
  family: Family | null = null,
): Line[] {
  const right = attempts?.filter((record) => record.outcome === 'passable').length ?? 0;
  const tried = attempts?.length ?? 0;
  const rate: Span =
    tried === 0
      ? { text: 'not tried yet', tone: 'muted' }
      : { text: `solved ${right} of ${tried} tries`, tone: right > 0 ? 'good' : 'warn' };
  const facts: Line = [{ text: task.type, tone: task.type }, { text: `  step ${task.step}  ` }, rate];
  const body = (title: string, text: string): Line[] => [
    section(title, width, theme),
    ...wrap([{ text: sanitise(clip(text), theme.ascii) }], width),
  ];
  const history: Line[] =
    tried === 0
      ? []
      : [
          section('tries, newest first', width, theme),
          ...attempts!.map((record): Line => [
            { text: `step ${record.rollout.step}  ` },
            outcomeSpan(record.outcome, theme),
            { text: `  ${inline(record.rollout.answer.slice(0, 200), theme.ascii)}`, tone: 'muted' },
          ]),
        ];
  const parts: Line[] =
    task.type === 'induction'
      ? [
          ...body('message', task.message),
          section(`pairs (${task.shown} shown to the solver)`, width, theme),
          ...task.pairs.flatMap((pair, index) =>
            wrap(
              [
                {
                  text: `${inline(callOf(task.program, pair.input), theme.ascii)} ${theme.glyphs.arrow} ${inline(pair.output, theme.ascii)}`,
                  tone: index < task.shown ? 'plain' : 'muted',
                },
              ],
              width,
            ),
          ),
        ]
      : [
          ...body(task.type === 'abduction' ? 'input (hidden)' : 'input', task.input),
          ...body(task.type === 'deduction' ? 'output (hidden)' : 'output', task.output),
        ];
  return [
    ...wrap(facts, width),
    ...(family ? noveltyLines(family, theme, width) : []),
    ...codeSection(task.type === 'induction' ? 'program (hidden)' : 'program', task.program, [], '', theme, width),
    ...parts,
    ...rateLines(attempts ?? [], theme, width),
    ...history,
    ...treeLines(task, family, theme, width),
  ];
}

const NEW_BELOW = 0.5;

function noveltyLines({ nearest }: Family, theme: Theme, width: number): Line[] {
  if (!nearest) return [[{ text: 'no earlier task to compare with', tone: 'muted' }]];
  const alike = Math.round(nearest.similarity * 100);
  const words = nearest.similarity >= 1 ? 'a known program' : nearest.similarity < NEW_BELOW ? 'new' : 'a variation';
  return wrap(
    [
      { text: words, tone: nearest.similarity < NEW_BELOW ? 'good' : 'warn' },
      { text: `  ${alike} % like ${inline(nearest.task.id, theme.ascii)}, the nearest earlier task`, tone: 'muted' },
    ],
    width,
  );
}

/** How often it was solved, step by step: a bar a step. */
function rateLines(attempts: readonly RolloutRecord[], theme: Theme, width: number): Line[] {
  const rates = solveRates(attempts);
  if (rates.length === 0) return [];
  const room = Math.max(4, Math.min(30, width - 34));
  return [
    section('solve rate', width, theme),
    ...rates.slice(-12).map(([step, rate, tries]): Line => {
      const full = Math.round(rate * room);
      return fit(
        [
          { text: pad(`step ${step}`, 11), tone: 'muted' },
          { text: theme.glyphs.full.repeat(full), tone: 'accent' },
          { text: theme.glyphs.empty.repeat(room - full), tone: 'muted' },
          { text: ` ${Math.round(rate * 100)} % of ${tries}` },
        ],
        width,
      );
    }),
  ];
}

/** The tasks it was made from, and theirs. */
function treeLines(task: Task, family: Family | null, theme: Theme, width: number): Line[] {
  const none = task.step === 0 ? 'a seed task' : 'made without references';
  if (task.parents.length === 0) return [section('made from', width, theme), [{ text: none, tone: 'muted' }]];
  const rows = family?.ancestors ?? [];
  return [
    section('made from', width, theme),
    ...rows.map(({ id, depth, task: parent, again }): Line => {
      const text = parent ? inline(parent.program.slice(0, 200).replaceAll(/\s+/g, ' '), theme.ascii) : 'not in the journal';
      return fit(
        [
          { text: `${'  '.repeat(depth - 1)}${theme.ascii ? '`-' : '└─'} ` },
          { text: `${inline(id, theme.ascii)} `, tone: parent?.type },
          { text: again ? '(see above)' : text, tone: 'muted' },
        ],
        width,
      );
    }),
  ];
}

/** Lines that carry a highlighted span, for `n` and `N`. */
export const flaggedLines = (lines: readonly Line[]): number[] =>
  lines.flatMap((line, index) => (line.some((span) => span.inverse) ? [index] : []));
