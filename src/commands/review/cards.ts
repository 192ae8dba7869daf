import type { RolloutRecord } from '../../core/events.ts';
import type { FlaggedThought } from '../../core/fold.ts';
import { inline } from '../../core/inert.ts';
import { mark, wrap } from '../../../ui/text.ts';
import type { Line } from '../../../ui/text.ts';

/** What a person reads before an answer, as lines of at most `width` columns. Model text is inert; flagged words stand between » and «. */

const LONGEST = 40;

const plain = (line: Line): string => line.map(({ text, inverse }) => (inverse ? `»${text}«` : text)).join('');

type Where = FlaggedThought['finding']['where'];

function passage(title: string, text: string, found: readonly FlaggedThought[], where: Where, width: number, whole: boolean): string[] {
  if (text.trim() === '') return [];
  const marks = found
    .filter(({ finding }) => finding.where === where)
    .map(({ finding }) => ({ start: finding.start, end: finding.end, tone: 'flag' as const }));
  const lines = wrap(mark(text, marks, false), width - 6).map((line) => `  ${plain(line)}`);
  const head = `-- ${title} ${'-'.repeat(Math.max(0, width - title.length - 4))}`;
  if (whole || lines.length <= LONGEST) return [head, ...lines];
  const first = lines.findIndex((line) => line.includes('»'));
  const from = Math.max(0, Math.min(first < 0 ? 0 : first - 5, lines.length - LONGEST));
  const before = from > 0 ? [`  ... ${from} lines before (o: all)`] : [];
  const after = lines.length - from - LONGEST;
  return [head, ...before, ...lines.slice(from, from + LONGEST), ...(after > 0 ? [`  ... ${after} lines after (o: all)`] : [])];
}

/** Thought, answer, program and prompt of a rollout with the spans of its findings. */
export function evidence(
  record: RolloutRecord,
  found: readonly FlaggedThought[],
  options: { readonly width: number; readonly whole: boolean; readonly prompt: boolean },
): string[] {
  const { width, whole } = options;
  const { thought, answer, program, prompt, completion } = record.rollout;
  const nothing = thought === '' && answer === '';
  return [
    ...passage(nothing ? 'completion' : 'thought', nothing ? completion : thought, found, 'thought', width, whole),
    ...(program !== null && program === answer ? [] : passage('answer', answer, found, 'answer', width, whole)),
    ...passage('program', program ?? '', found, 'program', width, whole),
    ...(options.prompt ? passage('prompt (given, not generated)', prompt, [], 'thought', width, whole) : []),
  ];
}

/** What the monitor says of a finding, and what people have said. */
export function claimLines(item: FlaggedThought, width: number): string[] {
  const { finding } = item;
  const text = [
    `severity ${finding.severity} ${finding.category} by ${inline(finding.detector)}${finding.certain ? ' (certain)' : ''}, in the ${finding.where}: “${inline(finding.quote.slice(0, 300))}”`,
    inline(finding.why),
    ...item.reviews.map(
      ({ label, by, reason, blind }) => `${label} by ${inline(by)}${blind ? ' (blind)' : ''}${reason === '' ? '' : `: ${inline(reason)}`}`,
    ),
  ];
  return text.flatMap((row) => wrap([{ text: row }], width - 2).map(plain));
}
