import type { RolloutRecord } from '../src/core/events.ts';
import type { FlaggedThought } from '../src/core/fold.ts';
import type { Task } from '../src/core/types.ts';
import { clip, inline, mark, sanitise, wrap } from './text.ts';
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

export function thoughtLines(record: RolloutRecord, findings: readonly FlaggedThought[], theme: Theme, width: number): Line[] {
  const { rollout } = record;
  // A completion without the expected tags has no thought: what was generated is shown whole.
  if (rollout.thought === '' && rollout.answer === '') return textSection('completion', rollout.completion, [], '', theme, width);
  return textSection('thought', rollout.thought, findings, 'thought', theme, width);
}

/** Answer, program and prompt: what stands beside the thought. */
export function sideLines(record: RolloutRecord, findings: readonly FlaggedThought[], theme: Theme, width: number): Line[] {
  const { rollout } = record;
  const program =
    rollout.program !== null && rollout.program !== rollout.answer
      ? textSection('program', rollout.program, findings, 'program', theme, width)
      : [];
  const inAnswer = findings.map((item) =>
    rollout.program === rollout.answer && item.finding.where === 'program'
      ? { ...item, finding: { ...item.finding, where: 'answer' as const } }
      : item,
  );
  const answer =
    rollout.answer === '' && rollout.thought === '' ? [] : textSection('answer', rollout.answer, inAnswer, 'answer', theme, width);
  return [...answer, ...program, ...textSection('prompt', rollout.prompt, [], '', theme, width)];
}

/** A task with what the solver made of it. */
export function taskLines(task: Task, attempts: readonly RolloutRecord[] | null, theme: Theme, width: number): Line[] {
  const right = attempts?.filter((record) => record.outcome === 'passable').length ?? 0;
  const tried = attempts?.length ?? 0;
  const rate: Span =
    tried === 0
      ? { text: 'not tried yet', tone: 'muted' }
      : { text: `solved ${right} of ${tried} tries`, tone: right > 0 ? 'good' : 'warn' };
  const facts: Line = [{ text: task.type, tone: task.type }, { text: `  step ${task.step}  ` }, rate];
  const parents: Line = [
    {
      text:
        task.parents.length === 0
          ? task.step === 0
            ? 'a seed task'
            : 'made without references'
          : `made from ${task.parents.map((id) => inline(id, theme.ascii)).join(', ')}`,
      tone: 'muted',
    },
  ];
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
                  text: `f(${inline(pair.input, theme.ascii)}) ${theme.glyphs.arrow} ${inline(pair.output, theme.ascii)}`,
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
    ...wrap(parents, width),
    ...body(task.type === 'induction' ? 'program (hidden)' : 'program', task.program),
    ...parts,
    ...history,
  ];
}

/** Lines that carry a highlighted span, for `n` and `N`. */
export const flaggedLines = (lines: readonly Line[]): number[] =>
  lines.flatMap((line, index) => (line.some((span) => span.inverse) ? [index] : []));
