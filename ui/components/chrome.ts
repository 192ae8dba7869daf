import { contextsOf } from '../contexts.ts';
import { windowOf } from '../editor.ts';
import { hints, SCREEN_KEYS, SCREEN_TITLES, SCREENS } from '../keys.ts';
import type { Action } from '../keys.ts';
import { banner, clock, health, parameters, runState, STATE_TONE } from '../select.ts';
import type { AppState, Purpose } from '../store.ts';
import { fill, inline, lineWidth, pad, truncate, widthOf } from '../text.ts';
import type { Line, Span } from '../text.ts';
import type { Block } from '../blocks.ts';

/** As many parts as fit into the width, in order of `rank` (0 is always there), in their own order on the line. */
export function arrange(parts: readonly { readonly rank: number; readonly line: Line }[], width: number, gap: number): Line {
  let kept = [...parts];
  const total = (): number => kept.reduce((sum, part) => sum + lineWidth(part.line) + gap, -gap);
  while (kept.length > 1 && total() > width) {
    const worst = Math.max(...kept.map((part) => part.rank));
    if (worst === 0) break;
    kept = kept.filter((part) => part.rank !== worst);
  }
  return kept.flatMap((part, index) => (index === 0 ? part.line : [{ text: ' '.repeat(gap) }, ...part.line]));
}

/** Remaining time from the pace so far; null before the first step of this view. */
function remaining(state: AppState): number | null {
  const { view, startedAt, lastAt } = state;
  const done = view.steps.length;
  if (startedAt === null || lastAt === null || done === 0 || view.totalSteps <= view.step || view.ended) return null;
  return ((lastAt - startedAt) / done) * (view.totalSteps - view.step);
}

export function titleLine(state: AppState): Line {
  const { view, theme, startedAt, size } = state;
  const run = runState(state);
  const until = run === 'running' || run === 'starting' ? state.now : (state.lastAt ?? state.now);
  const left = remaining(state);
  const model = view.info ? inline(view.info.model.split(/[\\/]/).at(-1) ?? '', theme.ascii) : '';
  const parts: { readonly rank: number; readonly line: Line }[] = [
    { rank: 0, line: [{ text: ' kelvin', tone: 'accent' }] },
    { rank: 0, line: [{ text: `${theme.glyphs.dot} ${run}`, tone: STATE_TONE[run] }] },
    { rank: 0, line: [{ text: `step ${view.step}/${view.totalSteps || '?'}`, tone: 'strong' }] },
    { rank: 4, line: [{ text: truncate(inline(state.runName, theme.ascii), 32, theme.glyphs.ellipsis) }] },
    {
      rank: 2,
      line: [
        { text: view.info ? `${truncate(model, 28, theme.glyphs.ellipsis)} ${parameters(view.info.parameters)}` : 'loading the model' },
      ],
    },
    { rank: 5, line: view.info ? [{ text: `${view.info.backend} ${theme.glyphs.sep} ${view.info.mode}`, tone: 'muted' }] : [] },
    { rank: 6, line: state.status ? [{ text: `${state.status.rssMb.toFixed(0)} MB`, tone: 'muted' }] : [] },
    { rank: 3, line: left === null ? [] : [{ text: `${clock(left)} left`, tone: 'muted' }] },
    { rank: 1, line: [{ text: clock(startedAt === null ? 0 : until - startedAt) }] },
  ];
  return arrange(
    parts.filter((part) => part.line.length > 0),
    size.columns,
    2,
  );
}

export function tabsLine(state: AppState): Line {
  const open = state.view.flagged.filter((item) => item.label === 'new' && item.finding.severity >= 2).length;
  // Nine titles and a count take 98 columns; a narrow window has them without air.
  const air = state.size.columns < 104 ? '' : ' ';
  return SCREENS.flatMap((screen): Span[] => {
    const count = screen === 'safety' && open > 0 ? `${air}(${open})` : '';
    const chosen = screen === state.screen;
    return [
      {
        text: `${air}${SCREEN_KEYS[screen]}${air}${SCREEN_TITLES[screen]}${count}${air}`,
        inverse: chosen,
        tone: count !== '' && !chosen ? 'warn' : chosen ? 'accent' : undefined,
      },
      { text: ' ' },
    ];
  });
}

/** Always there: who reads, how much, how far behind, what the last drill and the audit said, and that findings never touch rewards. */
export function healthLine(state: AppState): Line {
  const { view, theme, size } = state;
  const { read, generated, lag, tiers, chain, drill, alerts } = health(state);
  const whole = generated === 0 || read >= generated;
  const off = view.info !== null && tiers.length === 0;
  const grave = alerts.some((alert) => alert.grave);
  const share =
    generated === 0
      ? 'no thoughts yet'
      : `read ${read}/${generated}${whole ? '' : ` (${((100 * read) / generated).toFixed(1)} %)`}, lag ${lag}`;
  const names = tiers.map((tier) => inline(tier, theme.ascii)).join('+');
  const judge = tiers.includes('judge') ? '' : ', judge off';
  const parts: { readonly rank: number; readonly line: Line }[] = [
    {
      rank: 0,
      line: [
        {
          text: ` ${grave ? theme.glyphs.warn : theme.glyphs.dot} monitor ${off ? 'OFF' : share}`,
          tone: off || !whole || grave ? 'bad' : 'good',
        },
      ],
    },
    { rank: 3, line: [{ text: view.info === null ? 'not started' : off ? 'no tiers' : `${names}${judge}`, tone: 'muted' }] },
    {
      rank: 2,
      line:
        chain === 'unknown' ? [] : [{ text: `audit ${chain === 'broken' ? 'BROKEN' : chain}`, tone: chain === 'broken' ? 'bad' : 'muted' }],
    },
    { rank: 1, line: [{ text: drill, tone: view.lastDrill?.caught === false || view.drill?.passed === false ? 'bad' : 'muted' }] },
    { rank: 0, line: [{ text: 'findings never touch rewards', tone: 'muted' }] },
  ];
  return arrange(
    parts.filter(({ line }) => line.length > 0),
    size.columns,
    2,
  );
}

/** The lines on top: title and state, the screens, the monitor's health, and the banner when there is one. */
export function header(state: AppState): Block {
  const alert = banner(state);
  const { columns } = state.size;
  const { theme } = state;
  const lines: Line[] = [titleLine(state), tabsLine(state), healthLine(state)];
  if (alert) {
    const hint = alert.hint ? `  ${truncate(inline(alert.hint, theme.ascii), columns >> 1, theme.glyphs.ellipsis)} ` : '';
    const text = truncate(` ${theme.glyphs.warn} ${inline(alert.text, theme.ascii)}`, columns - widthOf(hint), theme.glyphs.ellipsis);
    lines.push(fill([{ text: pad(text, columns - widthOf(hint)) + hint, tone: alert.tone }], columns, true));
  }
  return lines.map((line) => fill(line, columns));
}

/** A hint is dropped while its key would do nothing. */
function useful(action: Action, state: AppState): boolean {
  if (action === 'resume') return state.view.pause !== null;
  if (action === 'pause') return state.view.pause === null && state.view.ended === null;
  return true;
}

const LABEL: Readonly<Record<Purpose['kind'], string>> = {
  resume: 'Resume: why?',
  dismiss: 'A false alarm: why?',
  escalate: 'Escalate: why?',
  filter: 'Filter:',
  step: 'Step:',
};

export function statusLine(state: AppState): Line {
  const { theme, size, modal, toast } = state;
  if (modal?.kind === 'prompt') {
    const label = ` ${LABEL[modal.purpose.kind]} `;
    const error = modal.error ? `  ${theme.glyphs.warn} ${modal.error}` : '  Enter sends, Esc cancels';
    const room = Math.max(10, size.columns - label.length - widthOf(error) - 2);
    const [before, at, after] = windowOf(modal.editor, room, theme.ascii);
    return [
      { text: label, tone: 'accent' },
      { text: before },
      { text: at, inverse: true },
      { text: after },
      { text: error, tone: modal.error ? 'warn' : 'muted' },
    ];
  }
  if (toast) return [{ text: ` ${truncate(inline(toast.text, theme.ascii), size.columns - 2, theme.glyphs.ellipsis)}`, tone: toast.tone }];
  if (modal?.kind === 'quit' || modal?.kind === 'confirm') return [{ text: ' The question above waits for an answer.', tone: 'muted' }];
  const shown = hints(contextsOf(state)).filter(({ action }) => useful(action, state));
  // The general keys stay when the line is short; those of the screen give way from their end.
  const general = new Set<Action>(['pause', 'resume', 'help', 'quit', 'review', 'confirmed', 'dismiss']);
  const parts = shown.map(({ key, hint, action }, index) => ({
    rank: general.has(action) ? 0 : index + 1,
    line: [
      { text: key, tone: 'accent' as const },
      { text: ` ${hint}`, tone: 'muted' as const },
    ],
  }));
  return [{ text: ' ' }, ...arrange(parts, size.columns - 2, 2)];
}

export const statusBar = (state: AppState): Block => [fill(statusLine(state), state.size.columns)];
