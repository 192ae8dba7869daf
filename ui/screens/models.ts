import { above, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { bodyRows, inner, sliceTop } from '../layout.ts';
import type { ModelRow } from '../models.ts';
import { parameters } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, sanitise, truncate, wrap } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme, Tone } from '../theme.ts';

/** Screen 7: the models, what they take on this machine, and whether they fit. */

const DETAIL_ROWS = 8;
const BAR = 30;
const FIT_TONE: Readonly<Record<string, Tone>> = { fits: 'good', tight: 'warn', 'too large': 'bad', unreadable: 'bad' };

const size = (bytes: number): string => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);

/** What the other columns leave, at most 31. */
const nameWidth = (width: number): number => Math.min(31, width - 49);

export function modelRow(row: ModelRow, chosen: boolean, width: number, theme: Theme): Line {
  const mark = row.file === null ? theme.glyphs.todo : theme.glyphs.done;
  const line: Line = [
    { text: `${chosen ? theme.glyphs.select : ' '} ${mark} ` },
    {
      text: pad(truncate(inline(row.name, theme.ascii), nameWidth(width), theme.glyphs.ellipsis), nameWidth(width)),
      tone: row.file === null ? 'plain' : 'strong',
    },
    { text: pad(parameters(row.parameters), 8, 'right') },
    { text: pad(inline(row.quantisation, theme.ascii), 8, 'right'), tone: 'muted' },
    { text: pad(row.bytes === 0 ? '-' : size(row.bytes), 9, 'right') },
    { text: pad(row.plan === null ? '-' : size(row.plan.total), 9, 'right') },
    { text: '  ' },
    { text: row.fit, tone: FIT_TONE[row.fit] ?? 'plain' },
  ];
  return fill(line, width, chosen);
}

function detailLines(row: ModelRow, state: AppState, width: number): Line[] {
  const { theme, models } = state;
  const safe = (text: string): string => sanitise(text, theme.ascii);
  const { download } = models;
  const lines: Line[] = [];
  if (download) {
    const share = download.total > 0 ? Math.min(1, download.done / download.total) : 0;
    const full = Math.round(share * BAR);
    const bar = theme.glyphs.full.repeat(full) + theme.glyphs.empty.repeat(BAR - full);
    lines.push(
      [{ text: `fetching ${safe(download.uri)}`, tone: 'accent' }],
      [{ text: `${bar} ${(100 * share).toFixed(0)} % of ${size(download.total)}` }],
    );
  }
  if (models.error) lines.push(...wrap([{ text: safe(models.error), tone: 'bad' }], width));
  lines.push([{ text: safe(row.file ?? row.uri), tone: 'muted' }]);
  if (row.plan)
    lines.push([
      {
        text: `sampling and training take ${size(row.plan.total)}, ${size(row.plan.available)} are free; context of the model ${row.context}`,
      },
    ]);
  if (row.advice) lines.push(...wrap([{ text: safe(row.advice), tone: 'warn' }], width));
  lines.push([
    { text: row.file === null ? 'Enter fetches it.' : row.config ? `kelvin train --config ${row.config}` : 'on disk', tone: 'accent' },
  ]);
  return lines;
}

export function modelsScreen(state: AppState): Block {
  const { models, theme } = state;
  const width = state.size.columns;
  const height = bodyRows(state);
  const list = { width, height: Math.max(5, height - DETAIL_ROWS) };
  const detail = { width, height: Math.max(3, height - list.height) };
  const room = inner(list);
  const rows = models.rows ?? [];
  const head: Line = [
    { text: pad('    model', 4 + nameWidth(room.width)), tone: 'muted' },
    {
      text: `${pad('params', 8, 'right')}${pad('type', 8, 'right')}${pad('file', 9, 'right')}${pad('training', 9, 'right')}  here`,
      tone: 'muted',
    },
  ];
  const top = sliceTop(models.index, rows.length, room.height - 1);
  const shown = rows.slice(top, top + room.height - 1).map((row, at) => modelRow(row, top + at === models.index, room.width, theme));
  const waiting: Line[] = [
    [{ text: models.error ? sanitise(models.error, theme.ascii) : 'Planning the memory of each model; a few seconds.', tone: 'muted' }],
  ];
  const row = rows[models.index];
  return above(
    panel({
      title: rows.length > 0 ? `models ${rows.length}` : 'models',
      note: rows.length > 0 ? `${rows.filter((each) => each.file !== null).length} on disk` : '',
      ...list,
      focused: true,
      theme,
      lines: models.rows === null ? waiting : [head, ...shown],
    }),
    panel({
      title: row ? inline(row.name, theme.ascii) : 'model',
      ...detail,
      theme,
      lines: row ? detailLines(row, state, inner(detail).width) : [],
    }),
  );
}
