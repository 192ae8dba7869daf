import type { RunView } from '../src/core/fold.ts';
import type { JournalReader } from '../src/record/port.ts';
import { Actions } from './actions.ts';
import { Feed } from './feed.ts';
import { frameOf as drawn } from './frame.ts';
import { SCREEN_KEYS } from './keys.ts';
import type { ScreenName } from './keys.ts';
import { isFilling, Pages } from './pages.ts';
import { styled } from './paint.ts';
import { plainText } from './picture/cells.ts';
import { svgOf } from './picture/svg.ts';
import { Runs } from './runs.ts';
import type { RunsPort } from './runs.ts';
import { isFiltered } from './select.ts';
import { createAppStore } from './store.ts';
import type { AppState } from './store.ts';
import { inline } from './text.ts';
import { detectTheme } from './theme.ts';

/** The app's own screens without a terminal: what a person would see of a run at this moment. */
export interface SnapshotOptions {
  readonly runName: string;
  readonly reader: JournalReader;
  readonly screen: ScreenName;
  readonly columns: number;
  readonly rows: number;
  readonly theme: 'dark' | 'light';
  readonly figures?: ((view: RunView) => readonly string[]) | undefined;
  readonly audit?: AppState['audit'] | undefined;
  /** Keys pressed before the picture is taken, by the names of the key map. */
  readonly keys?: readonly string[] | undefined;
  readonly runs?: RunsPort | undefined;
  /** Wall clock, ms. */
  readonly now: number;
}

/** A frame as text with colours, a line for each row. */
export function frameOf(options: SnapshotOptions): string {
  const { runName, reader, screen, columns, rows } = options;
  const theme = detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm' }, 'linux', { name: options.theme, ascii: false });
  const store = createAppStore(theme, { columns, rows }, runName, options.now);
  store.setState({ figures: options.figures ?? null, audit: options.audit ?? null });
  const pages = new Pages(store, reader);
  const nothing = (): void => undefined;
  const runs = new Runs(store, options.runs);
  const feed = new Feed({ store, reader, now: () => options.now, onAlert: nothing, onData: () => pages.invalidate() });
  while (!store.getState().loaded && store.getState().journalError === null) feed.tick();
  const actions = new Actions(store, {
    send: () => Promise.resolve({ ok: false, message: 'this is a picture' }),
    runs,
    quit: nothing,
    repaint: nothing,
    refresh: (force) => pages.refresh(force),
    now: () => options.now,
    user: '',
  });
  store.setState({ asideSeq: screen === 'run' ? null : store.getState().pauseSeq });
  actions.press(SCREEN_KEYS[screen]);
  for (const key of options.keys ?? []) actions.press(key);
  pages.refresh(true);
  // A picture waits for the end of a search.
  for (let more = true; more; more = isFiltered(store.getState().thoughts.filter) && isFilling(store.getState().thoughts.page)) {
    const before = store.getState();
    pages.refresh();
    if (store.getState() === before) break;
  }
  if (screen === 'runs') runs.refresh(options.now);
  feed.close();
  return drawn(store.getState())
    .map((line) => styled(line, theme))
    .join('\n');
}

export const snapshotText = (options: SnapshotOptions): string => `${plainText(frameOf(options))}\n`;

export const snapshotSvg = (options: SnapshotOptions): string =>
  svgOf(frameOf(options), options, options.theme, `Kelvin, screen ${options.screen} of the run ${inline(options.runName)}`);
