import type { AppState, Focus } from './store.ts';
import { banner } from './select.ts';

/** Sizes of everything, from the terminal's size alone; keys and drawing use the same numbers. */
export const MIN_COLUMNS = 80;
export const MIN_ROWS = 24;

export const tooSmall = ({ columns, rows }: AppState['size']): boolean => columns < MIN_COLUMNS || rows < MIN_ROWS;

/** Title and state, screen names, health, status bar; and the banner when there is one. */
export const chromeRows = (state: AppState): number => 4 + (banner(state) ? 1 : 0);

/** Windows scrolls when its last cell is written: one row stays free there. */
export const usableRows = (state: AppState): number => state.size.rows - (process.platform === 'win32' ? 1 : 0);
export const bodyRows = (state: AppState): number => Math.max(3, usableRows(state) - chromeRows(state));

export interface Pane {
  readonly width: number;
  readonly height: number;
}
export interface Panes {
  /** List above the detail instead of beside it. */
  readonly stacked: boolean;
  readonly list: Pane;
  readonly detail: Pane;
  /** Third column, on wide terminals. */
  readonly side: Pane | null;
}

/** Text columns and rows inside a bordered pane (one blank column on either side). */
export const inner = ({ width, height }: Pane): Pane => ({ width: Math.max(1, width - 4), height: Math.max(1, height - 2) });

export function panes(state: AppState, focus: Focus): Panes {
  const width = state.size.columns;
  const height = bodyRows(state);
  if (width < 110) {
    const top = focus === 'detail' ? 5 : Math.max(7, Math.floor(height * 0.4));
    return { stacked: true, list: { width, height: top }, detail: { width, height: height - top }, side: null };
  }
  const list = Math.min(76, Math.max(46, Math.round(width * 0.34)));
  if (width < 150) return { stacked: false, list: { width: list, height }, detail: { width: width - list, height }, side: null };
  const detail = Math.ceil((width - list) / 2);
  return {
    stacked: false,
    list: { width: list, height },
    detail: { width: detail, height },
    side: { width: width - list - detail, height },
  };
}

/** First row of a slice of `height` rows that keeps `index` in sight, in the middle where possible. */
export const sliceTop = (index: number, count: number, height: number): number =>
  Math.max(0, Math.min(index - Math.floor(height / 2), count - height));

export const clampScroll = (scroll: number, lines: number, height: number): number => Math.max(0, Math.min(scroll, lines - height));
