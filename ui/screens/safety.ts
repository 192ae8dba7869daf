import type { FlaggedThought } from '../../src/core/fold.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { severityTone } from '../detail.ts';
import { clampScroll, inner, panes, sliceTop } from '../layout.ts';
import { safetyDetail, safetyScroll } from '../panes.ts';
import { safetyIndex, safetyQueue } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, truncate, wrap } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 4: the review queue with the evidence. */

const MARK: Readonly<Record<FlaggedThought['label'], string>> = { new: ' ', confirmed: 'C', dismissed: 'd', escalated: 'E' };

export function findingRow(item: FlaggedThought, chosen: boolean, width: number, theme: Theme): Line {
  const { finding } = item;
  const room = Math.max(18, Math.min(22, width - 34));
  const line: Line = [
    { text: `${chosen ? theme.glyphs.select : ' '} ` },
    { text: `S${finding.severity}`, tone: severityTone(finding.severity) },
    {
      text: `${MARK[item.label]} ${pad(String(item.step), 5, 'right')} ${pad(truncate(finding.category, room, theme.glyphs.ellipsis), room)} `,
    },
    { text: inline(finding.quote.slice(0, width), theme.ascii), tone: item.label === 'new' ? undefined : 'muted' },
  ];
  return fill(line, width, chosen);
}

export function safetyScreen(state: AppState): Block {
  const { safety, theme, view } = state;
  const layout = panes(state, safety.focus);
  const room = inner(layout.list);
  const queue = safetyQueue(state);
  const index = safetyIndex(state);
  const top = sliceTop(index, queue.length, room.height);
  const list: Line[] = queue.slice(top, top + room.height).map((item, at) => findingRow(item, top + at === index, room.width, theme));
  const of = (severity: number): number =>
    safety.all ? (view.counts.findings[severity] ?? 0) : queue.filter(({ finding }) => finding.severity === severity).length;
  if (queue.length === 0) {
    const labelled = view.flagged.length > 0 && !safety.all ? ' e shows the labelled ones.' : '';
    list.push(...wrap([{ text: `Nothing waits for review.${labelled}`, tone: 'good' }], room.width));
  }
  const detail = safetyDetail(state);
  const size = inner(layout.detail);
  const lines = Math.max(detail.main.length, detail.side.length);
  const scroll = safetyScroll(state);
  const empty: Line[] =
    queue.length > 0
      ? [[{ text: 'The rollout is not in the journal.', tone: 'muted' }]]
      : wrap(
          [
            {
              text: 'Every thought and every program the model writes is read before it can change the model. What was found worth a look stands here, with the words that say so.',
              tone: 'muted',
            },
          ],
          size.width,
        );
  const main = detail.main.length === 0 ? empty : detail.main.slice(clampScroll(scroll, detail.main.length, size.height));
  const more = lines > size.height ? `${scroll + 1}-${Math.min(lines, scroll + size.height)} of ${lines}` : '';
  return (layout.stacked ? above : beside)(
    panel({
      title: safety.all ? 'all findings' : 'open findings',
      note: `S4 ${of(4)}  S3 ${of(3)}  S2 ${of(2)}  S1 ${of(1)}`,
      ...layout.list,
      focused: safety.focus === 'list',
      theme,
      lines: list,
    }),
    panel({ title: 'evidence', note: more, ...layout.detail, focused: safety.focus === 'detail', theme, lines: main }),
    ...(layout.side
      ? [
          panel({
            title: 'answer, program, prompt',
            ...layout.side,
            theme,
            lines: detail.side.slice(clampScroll(scroll, detail.side.length, inner(layout.side).height)),
          }),
        ]
      : []),
  );
}
