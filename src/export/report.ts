import { TASK_TYPES } from '../core/types.ts';
import type { FlaggedThought } from '../core/fold.ts';
import type { Metrics } from '../core/types.ts';
import { escapeHtml, marked, table } from './html.ts';
import type { RunSource } from './source.ts';
import { chart } from './svg.ts';
import type { Series } from './svg.ts';

/** A run as one HTML page that opens offline: no script, no link, no font or image from elsewhere; model text is inert. */

/** Flagged thoughts shown, gravest first; the rest is counted, and `kelvin review --export` has them all. */
const MOST_SHOWN = 200;
/** Characters shown around the flagged words. */
const AROUND = 1500;

const STYLE = `:root{color-scheme:light dark;--soft:#8884;--dim:#777}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid var(--soft)}table{border-collapse:collapse;margin:.6rem 0}th,td{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--soft)}
td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}figure{margin:0}figcaption{font-weight:600}svg{max-width:100%}
svg text{font-size:11px;fill:var(--dim)}.grid{stroke:var(--soft)}.line{fill:none;stroke-width:1.6}.legend{font-size:.8rem}.legend span{margin-right:1rem;white-space:nowrap}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.6rem;border-radius:4px;font-size:13px}mark{background:#ffd54a;color:#000}.bad{font-weight:700;color:#c00}.dim{color:var(--dim)}
details{margin:.4rem 0}summary{cursor:pointer}@media print{details{display:block}}`;

const CHARTS: readonly (readonly [title: string, paths: readonly string[]])[] = [
  ['Held-out accuracy', ['heldout/temp1', 'heldout/greedy']],
  ['Reward, solving', TASK_TYPES.map((type) => `reward/solve/${type}`)],
  ['Reward, proposing', TASK_TYPES.map((type) => `reward/propose/${type}`)],
  ['Right answers in training', TASK_TYPES.map((type) => `accuracy/solve/${type}`)],
  ['Valid proposals', TASK_TYPES.map((type) => `valid/propose/${type}`)],
  ['Learnability of valid tasks', TASK_TYPES.map((type) => `learnability/${type}`)],
  ['Tasks in the buffer', TASK_TYPES.map((type) => `buffer/${type}`)],
  ['Generated tokens, solving', TASK_TYPES.map((type) => `length/solve/${type}`)],
  ['Loss', ['loss']],
  ['Entropy, nats', ['entropy']],
  ['Gradient norm', ['optim/grad_norm']],
  ['Sampler against trainer, KL', ['mismatch/kl']],
  ['Seconds a step', ['time/step']],
  ['Tokens a second', ['throughput/tokens_per_second']],
];

const percent = (value: number | undefined): string => (value === undefined ? '–' : `${(value * 100).toFixed(1)} %`);

function points(rows: readonly (readonly [number, Metrics])[], path: string): Series['points'] {
  return rows.flatMap(([step, metrics]) => (metrics[path] === undefined ? [] : [[step, metrics[path]] as const]));
}

function charts({ view }: RunSource): string {
  const figures = CHARTS.flatMap(([title, paths]) => {
    const series = paths.map((path) => ({ label: path, points: [...points(view.steps, path), ...points(view.evals, path)] }));
    return chart(title, series) ?? [];
  });
  return figures.length === 0 ? '<p>No step is done yet.</p>' : `<div class="charts">${figures.join('\n')}</div>`;
}

function heldOut({ view }: RunSource): string {
  const before = view.evals[0]?.[1];
  const [afterStep, after] = view.evals.at(-1) ?? [0, undefined];
  if (!before || !after) return '<p>No held-out evaluation is recorded.</p>';
  const paths = ['heldout/temp1', 'heldout/greedy'].flatMap((path) => [path, ...TASK_TYPES.map((type) => `${path}/${type}`)]);
  const rows = paths
    .filter((path) => before[path] !== undefined || after[path] !== undefined)
    .map((path) => {
      const change = (after[path] ?? NaN) - (before[path] ?? NaN);
      const points = Number.isFinite(change) ? `${change >= 0 ? '+' : '−'}${Math.abs(change * 100).toFixed(1)} points` : '–';
      return [escapeHtml(path), percent(before[path]), percent(after[path]), points];
    });
  return table(['accuracy', `before (step ${view.evals[0]![0]})`, `after (step ${afterStep})`, 'change'], rows);
}

function flaggedText(source: RunSource, items: readonly FlaggedThought[], id: string): string {
  const record = source.rollout(id);
  const sections = (['thought', 'answer', 'program'] as const).flatMap((where) => {
    const own = items.filter(({ finding }) => finding.where === where).map(({ finding }) => finding);
    if (own.length === 0) return [];
    const text = record?.rollout[where];
    // The quote is all that is left when the rollout itself is gone.
    if (!text) return own.map(({ quote }) => `<pre><mark>${escapeHtml(quote)}</mark></pre>`);
    const from = Math.max(0, Math.min(...own.map(({ start }) => start)) - AROUND);
    const to = Math.min(text.length, Math.max(...own.map(({ end }) => end)) + AROUND);
    const spans = own.map(({ start, end }) => ({ start: start - from, end: end - from }));
    const cut = from > 0 || to < text.length ? `, characters ${from} to ${to} of ${text.length}` : '';
    return [`<p class="dim">${where}${cut}</p><pre>${marked(text.slice(from, to), spans)}</pre>`];
  });
  return sections.join('\n');
}

function flagged(source: RunSource): string {
  const byRollout = [...Map.groupBy(source.findings(), ({ rolloutId }) => rolloutId)].map(([id, items]) => ({
    id,
    items,
    severity: Math.max(...items.map(({ finding }) => finding.severity)),
  }));
  byRollout.sort((a, b) => b.severity - a.severity || a.items[0]!.step - b.items[0]!.step);
  const shown = byRollout.slice(0, MOST_SHOWN).map(({ id, items, severity }) => {
    const rows = items.map(({ finding, label, by, reason }) => [
      String(finding.severity),
      escapeHtml(finding.category),
      escapeHtml(finding.detector),
      escapeHtml(finding.why),
      `${escapeHtml(label)}${by === '' ? '' : ` by ${escapeHtml(by)}`}${reason === '' ? '' : `: ${escapeHtml(reason)}`}`,
    ]);
    const head = `severity ${severity} · step ${items[0]!.step} · ${escapeHtml(items[0]!.finding.category)} · ${escapeHtml(id)}`;
    const body = `${table(['severity', 'category', 'detector', 'why', 'label'], rows)}${flaggedText(source, items, id)}`;
    return `<details${severity >= 3 ? ' open' : ''}><summary>${head}</summary>${body}</details>`;
  });
  const rest = byRollout.length - shown.length;
  const note = rest > 0 ? `<p>${rest} more are not shown: <code>kelvin review RUN --export md</code> has them all.</p>` : '';
  return shown.length === 0 ? '<p>None.</p>' : shown.join('\n') + note;
}

function facts(source: RunSource): string {
  const { view, audit, starts } = source;
  const { info } = view;
  const start = starts.at(-1);
  const pairs: (readonly [string, string])[] = [
    ['state', `${view.state}, step ${view.step} of ${view.totalSteps}`],
    ['started', `${source.started}; newest record ${new Date(source.lastAt).toISOString()}`],
    ['starts and resumes', String(starts.length)],
    ...(view.pause ? [['paused', `step ${view.pause.step}, ${view.pause.cause}: ${view.pause.reason}`] as const] : []),
    ...(view.error === null ? [] : [['error', view.error] as const]),
    [
      'model',
      `${source.model}${info ? `, ${info.architecture}, ${info.parameters} parameters, ${info.trainable} trained (${info.mode})` : ''}`,
    ],
    ['SHA-256 of the model file', info?.modelHash ?? 'unknown'],
    ['engine', info?.backend ?? 'unknown'],
    ['monitor', `${view.monitor || 'unknown'}; tiers on: ${view.tiers.join(', ') || 'none'}; off: ${view.off.join(', ') || 'none'}`],
    ['thoughts', `${view.counts.rollouts}; findings of severity 1 to 4: ${view.counts.findings.slice(1).join(', ')}`],
  ];
  const rows = pairs.map(([name, value]) => [escapeHtml(name), escapeHtml(value)]);
  const chain = audit.ok
    ? `whole, ${audit.entries} entries${audit.anchored ? ', anchored in the state folder' : ''}`
    : `<span class="bad">BROKEN at entry ${audit.firstBroken ?? 1}</span>: ${escapeHtml(audit.reason ?? '')}`;
  return table(['', ''], [...rows, ['audit log', chain]]) + (start ? '' : '<p>The run has not started yet.</p>');
}

const details = (title: string, value: unknown): string =>
  value === undefined || value === null
    ? ''
    : `<details><summary>${escapeHtml(title)}</summary><pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre></details>`;

/** The page. `made` is the time that it shows as its own. */
export function htmlReport(source: RunSource, made: Date): string {
  const { view, starts } = source;
  const start = starts.at(-1);
  const warnings = view.warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(source.name)} – Kelvin</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(source.name)}</h1>
<p class="dim">A self-play run of Kelvin; report made ${escapeHtml(made.toISOString())}.</p>
${facts(source)}
<h2>Held-out tasks, before and after</h2>
${heldOut(source)}
<h2>Charts</h2>
${charts(source)}
<h2>Flagged thoughts</h2>
<p>What a model wrote stands here as text, with the flagged words marked. A thought that is not here is not thereby harmless.</p>
${flagged(source)}
<h2>How to make it again</h2>
${details('Versions', start?.versions)}
${details('Machine', start?.machine)}
${details('Detectors', start?.detectors)}
${details('Configuration', view.config ?? source.config)}
${warnings === '' ? '' : `<h2>Warnings</h2><ul>${warnings}</ul>`}
</body></html>
`;
}
