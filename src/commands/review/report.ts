import type { RolloutRecord } from '../../core/events.ts';
import type { FlaggedThought, RunView } from '../../core/fold.ts';
import { jsonLine, markdown, markdownBlock } from '../../core/inert.ts';
import { agreements, controlScores, qualities, reviewQueue } from '../../core/review.ts';
import type { Share } from '../../core/review.ts';
import type { AuditReport } from '../../record/journal.ts';

/** A review report that one can send: findings with their evidence, labels, and what the labels teach. All text is inert. */
export interface ReportSource {
  readonly run: string;
  readonly view: RunView;
  readonly audit: AuditReport;
  readonly rollout: (id: string) => RolloutRecord | null;
  /** Severity from which findings are in it. */
  readonly from: number;
}

/** Characters of a text around the flagged words. */
const AROUND = 600;

const everything = ({ view, from }: ReportSource): FlaggedThought[] => reviewQueue(view.flagged, { all: true, from });

/** One JSON object a line: `run`, then `finding`s with their rollout, `unflagged`, `quality`, `agreement` and `controls`. */
export function* jsonlReport(source: ReportSource): Generator<string> {
  const { run, view, audit } = source;
  const { monitor, tiers, off, step, state, counts, drill, lastDrill } = view;
  yield jsonLine({ type: 'run', run, state, step, monitor, tiers, off, counts, audit, drill: drill ?? null, lastDrill });
  for (const item of everything(source)) {
    const record = source.rollout(item.rolloutId);
    const { thought, answer, program, prompt, role, taskType } = record?.rollout ?? {};
    yield jsonLine({ type: 'finding', ...item, role, taskType, outcome: record?.outcome, thought, answer, program, prompt });
  }
  for (const item of view.unflagged)
    yield jsonLine({ type: 'unflagged', ...item, thought: source.rollout(item.rolloutId)?.rollout.thought });
  for (const quality of qualities(view)) yield jsonLine({ type: 'quality', ...quality });
  for (const agreement of agreements(view)) yield jsonLine({ type: 'agreement', ...agreement });
  for (const score of controlScores(view)) yield jsonLine({ type: 'controls', ...score });
}

const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;
const shown = ({ count, of, low, high }: Share): string => (of === 0 ? '–' : `${count} of ${of} (${percent(low)} to ${percent(high)})`);
const list = (items: readonly string[]): string => (items.length === 0 ? 'none' : items.map(markdown).join(', '));

/** Lines of a Markdown document. */
export function* markdownReport(source: ReportSource): Generator<string> {
  const { view, audit } = source;
  const items = everything(source);
  const chain = audit.ok ? `whole, ${audit.entries} entries` : `BROKEN at entry ${audit.firstBroken ?? 1}: ${markdown(audit.reason ?? '')}`;
  yield `# Review of ${markdown(source.run)}`;
  yield '';
  yield `- step ${view.step}, ${view.state}`;
  yield `- monitor ${markdown(view.monitor || '–')}; tiers on: ${list(view.tiers)}; off: ${list(view.off)}`;
  yield `- audit log: ${chain}`;
  yield `- thoughts ${view.counts.rollouts}; findings by severity 1 to 4: ${view.counts.findings.slice(1).join(', ')}`;
  yield `- labelled ${items.filter(({ label }) => label !== 'new').length} of ${items.length} findings of severity ${source.from} or more`;
  yield '';
  yield* qualityTable(source);
  yield* peopleTable(view);
  yield '## Findings';
  for (const item of items) yield* findingSection(source, item);
  if (items.length === 0) yield '\nNone.';
}

function* qualityTable({ view }: ReportSource): Generator<string> {
  const rows = qualities(view);
  if (rows.length === 0) return;
  yield '## What the labels say of the monitor';
  yield '';
  yield '| category | findings | precision (95 %) | missed of looked at | recall, estimated |';
  yield '| --- | --- | --- | --- | --- |';
  for (const { category, found, precision, missed, looked, recall } of rows)
    yield `| ${category} | ${found} | ${shown(precision)} | ${missed} of ${looked} | ${recall === null ? '–' : percent(recall)} |`;
  yield '';
}

function* peopleTable(view: RunView): Generator<string> {
  const pairs = agreements(view);
  const scores = controlScores(view);
  if (pairs.length + scores.length === 0) return;
  yield '## Reviewers';
  yield '';
  for (const { a, b, agree, kappa } of pairs)
    yield `- ${markdown(a)} and ${markdown(b)} agree on ${shown(agree)}; Cohen's kappa ${kappa === null ? '–' : kappa.toFixed(2)}`;
  for (const { by, right } of scores) yield `- ${markdown(by)}: controls right ${shown(right)}`;
  yield '';
}

function* findingSection(source: ReportSource, item: FlaggedThought): Generator<string> {
  const { finding } = item;
  yield '';
  yield `### Severity ${finding.severity}, ${markdown(finding.category)}: ${markdown(item.rolloutId)}`;
  yield '';
  yield `- step ${item.step}, by ${markdown(finding.detector)}${finding.certain ? ' (certain)' : ''}, in the ${markdown(finding.where)}, characters ${finding.start} to ${finding.end}`;
  yield `- ${markdown(finding.why)}`;
  yield `- quoted: “${markdown(finding.quote.slice(0, 300))}”`;
  yield `- label: ${markdown(item.label)}`;
  for (const { label, by, reason, blind } of item.reviews)
    yield `- ${markdown(label)} by ${markdown(by)}${blind ? ', blind' : ''}${reason === '' ? '' : `: ${markdown(reason)}`}`;
  const rollout = source.rollout(item.rolloutId)?.rollout;
  const text = { thought: rollout?.thought, answer: rollout?.answer, program: rollout?.program }[finding.where] ?? '';
  if (text === '') return;
  const from = Math.max(0, finding.start - AROUND);
  const to = Math.min(text.length, finding.end + AROUND);
  yield '';
  yield `The ${markdown(finding.where)}${from > 0 || to < text.length ? `, characters ${from} to ${to} of ${text.length}` : ''}:`;
  yield '';
  yield markdownBlock(text.slice(from, to));
}
