import { centred, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { textOf, windowOf } from '../editor.ts';
import { bodyRows, sliceTop } from '../layout.ts';
import { commandsFor } from '../palette.ts';
import type { AppState, Modal } from '../store.ts';
import { fill, fit, inline, pad, truncate } from '../text.ts';
import type { Line } from '../text.ts';

/** The command palette over the screen. */
export function palette(state: AppState, modal: Extract<Modal, { kind: 'palette' }>): Block {
  const { theme } = state;
  const width = Math.min(90, state.size.columns);
  const height = Math.min(20, bodyRows(state));
  const room = width - 4;
  const commands = commandsFor(state, textOf(modal.editor));
  const index = Math.min(modal.index, Math.max(0, commands.length - 1));
  const top = sliceTop(index, commands.length, height - 3);
  const [before, at, after] = windowOf(modal.editor, room - 3, theme.ascii);
  const input: Line = fit([{ text: ': ', tone: 'accent' }, { text: before }, { text: at, inverse: true }, { text: after }], room);
  const rows = commands.slice(top, top + height - 3).map(({ name, key }, offset): Line => {
    const text = pad(truncate(inline(name, theme.ascii), room - 12, theme.glyphs.ellipsis), room - 10);
    return fill([{ text }, { text: pad(key, 10, 'right'), tone: 'accent' }], room, top + offset === index);
  });
  const lines = [input, ...(rows.length === 0 ? [[{ text: 'No command fits.', tone: 'muted' as const }]] : rows)];
  const note = `${commands.length === 0 ? 0 : index + 1} of ${commands.length}`;
  const box = panel({ title: 'Commands', note, width, height, focused: true, theme, lines });
  return centred(box, state.size.columns, bodyRows(state), true);
}
