import { userInfo } from 'node:os';
import { basename } from 'node:path';
import { render } from 'ink';
import type { RunView } from '../src/core/fold.ts';
import type { ControlClient, JournalReader } from '../src/record/port.ts';
import { Actions } from './actions.ts';
import { alertSequences, alertsOf } from './alerts.ts';
import { App } from './App.tsx';
import { askBackground } from './background.ts';
import { copySequence } from './chosen.ts';
import { tabsLine } from './components/chrome.ts';
import { Feed } from './feed.ts';
import type { Connect } from './feed.ts';
import { SCREEN_KEYS, SCREENS } from './keys.ts';
import { lender } from './lend.ts';
import { Machine } from './machine.ts';
import { Models } from './models.ts';
import type { ModelsPort } from './models.ts';
import { isFilling, Pages } from './pages.ts';
import { listenToMouse, MOUSE_OFF, MOUSE_ON, spanAt } from './mouse.ts';
import { Runs } from './runs.ts';
import type { RunsPort } from './runs.ts';
import { createAppStore } from './store.ts';
import { asksBackground, detectTheme } from './theme.ts';
import type { ThemeOptions } from './theme.ts';
import { openWindow } from './window.ts';

export type { Connect } from './feed.ts';

export interface AppOptions {
  readonly runDir: string;
  readonly reader: JournalReader;
  /** An open control client, when there is one. Live messages come only through `connect`. */
  readonly control?: ControlClient | null | undefined;
  /** Opens the control socket; tried again every second while nothing listens. Leave it out for a run that is over. */
  readonly connect?: Connect | undefined;
  /** How the run process ended, when it is gone; asked once a second then. */
  readonly lastWords?: (() => string | null) | undefined;
  readonly theme?: ThemeOptions | undefined;
  /** Called once when a person quits, before the terminal is given back. */
  readonly onQuit?: ((leave: Leave) => void | Promise<void>) | undefined;
  /** Name for the audit log; default: the operating system's user. */
  readonly user?: string | undefined;
  readonly stdin?: NodeJS.ReadStream | undefined;
  readonly stdout?: NodeJS.WriteStream | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly now?: (() => number) | undefined;
  /** What was measured of the monitor, as plain lines, for the Safety screen. */
  readonly figures?: ((view: RunView) => readonly string[]) | undefined;
  /** Lists and fetches models, for the Models screen. */
  readonly models?: ModelsPort | undefined;
  /** Lists, reads and opens other runs, for the Runs screen. */
  readonly runs?: RunsPort | undefined;
  /** How a command of Kelvin is started, program first; without it the keys for blind review, audit log and chat name the command. */
  readonly kelvin?: readonly string[] | undefined;
  /** Checks the audit log of the run; asked now and then. */
  readonly audit?: (() => { readonly ok: boolean; readonly reason?: string | undefined }) | undefined;
}

/** Whether the run goes on after the window closes. */
export type Leave = 'running' | 'stopped';

export interface Left {
  readonly exitCode: number;
  readonly leave: Leave;
  /** Folder of the run to show next, when a person chose another one. */
  readonly open?: string;
}

const TICK_MS = 100;
/** Ticks between two looks: at words that are being written, and at figures. */
const LIVE_TICKS = 2;
const QUIET_TICKS = 3;
const AUDIT_MS = 10_000;
const TABS_ROW = 1;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/**
 * Shows one run until a person quits. Needs a TTY on both ends; the caller checks. The terminal is restored before the promise settles,
 * also on SIGINT, SIGTERM and SIGHUP, which leave the run running. `exitCode` is that of the run's `error` event, else 0.
 */
export async function runApp(options: AppOptions): Promise<Left> {
  const stdout = options.stdout ?? process.stdout;
  const now = options.now ?? Date.now;
  const env = options.env ?? process.env;
  const alerts = alertSequences(alertsOf(env), stdout.isTTY, env);
  const light = asksBackground(env, options.theme) ? await askBackground(options.stdin ?? process.stdin, stdout) : null;
  const theme = detectTheme(light === null ? env : { ...env, COLORFGBG: light ? '0;15' : '15;0' }, process.platform, options.theme);
  const store = createAppStore(theme, { columns: stdout.columns || 80, rows: stdout.rows || 24 }, basename(options.runDir), now());
  store.setState({ figures: options.figures ?? null });
  const pages = new Pages(store, options.reader);
  const feed = new Feed({
    store,
    reader: options.reader,
    control: options.control,
    connect: options.connect,
    lastWords: options.lastWords,
    now,
    onAlert: () => void stdout.write(alerts.raise),
    onData: (restarted) => pages.invalidate(restarted),
  });

  const window = openWindow(store, stdout);
  let leave: Leave = 'running';
  let open: string | undefined;
  const closing = Promise.withResolvers<void>();
  const quit = (how: Leave, next?: string): void => {
    leave = how;
    open = next;
    closing.resolve();
  };
  const mouse = env['KELVIN_MOUSE'] === '1' ? { on: MOUSE_ON, off: MOUSE_OFF } : { on: '', off: '' };
  const lend = lender(env, process.platform, options.kelvin);
  const machine = new Machine(store);
  const runs = new Runs(store, options.runs);
  const models = new Models(store, options.models);
  const actions = new Actions(store, {
    models,
    runs,
    copy: (text) => void stdout.write(copySequence(text)),
    show: lend.show,
    ...(options.kelvin ? { command: lend.command } : {}),
    runDir: options.runDir,
    suspend: lend.suspend,
    send: (command) => feed.send(command),
    quit,
    repaint: window.repaint,
    refresh: (force) => pages.refresh(force),
    now,
    user: options.user ?? userName(),
  });
  const controls = {
    actions,
    onLend: (give: Parameters<typeof lend.register>[0]): void =>
      lend.register(async (work) => {
        stdout.write(mouse.off);
        await window.lend(() => give(work));
        stdout.write(mouse.on);
      }),
  };

  let nextAudit = 0;
  const checkAudit = (): void => {
    const began = performance.now();
    if (began < nextAudit) return;
    const before = store.getState().audit;
    try {
      const { ok, reason } = options.audit?.() ?? { ok: true };
      if (options.audit && (before?.ok !== ok || before.reason !== reason)) store.setState({ audit: { ok, reason } });
    } catch {
      // A journal that cannot be read has a banner of its own.
    }
    // A long journal is looked at less often: keys must stay quick.
    nextAudit = began + 100 * (performance.now() - began);
  };
  checkAudit();
  const audits = setInterval(checkAudit, AUDIT_MS);

  let ticks = 0;
  const tick = (): void => {
    const { loaded, screen, modal, thoughts } = store.getState();
    const filling = !loaded || (screen === 'thoughts' && thoughts.mode === 'past' && isFilling(thoughts.page));
    const writing = screen === 'thoughts' && thoughts.mode === 'live' && modal === null;
    if (ticks++ % (filling ? 1 : writing ? LIVE_TICKS : QUIET_TICKS) !== 0) return;
    feed.tick();
    pages.refresh();
    if (screen === 'machine') machine.sample(performance.now());
    // Marked runs grow, too: their curves lie over the charts.
    if (screen === 'runs' || (screen === 'charts' && store.getState().runs.marked.length > 0)) runs.refresh(now());
  };
  tick();
  stdout.write(alerts.begin + mouse.on);
  const unsubscribe = store.subscribe((state, before) => {
    if (before.pauseSeq !== null && state.pauseSeq === null) stdout.write(alerts.settle);
  });
  // What Ink writes (modes of the terminal, console output) may stand where the screen is: it is drawn whole afterwards.
  const instance = render(<App controls={controls} />, {
    stdout: window.shared,
    ...(options.stdin ? { stdin: options.stdin } : {}),
    incrementalRendering: true,
    alternateScreen: true,
    exitOnCtrlC: false,
    interactive: true,
    // Console output goes above the frame only where both share a stream.
    patchConsole: stdout === process.stdout,
  });
  const deaf =
    mouse.on &&
    listenToMouse(options.stdin ?? process.stdin, ({ kind, column, row }) => {
      if (kind !== 'press') return actions.wheel(kind);
      // The tabs: one span each and one between them.
      const screen = row === TABS_ROW ? SCREENS[spanAt(tabsLine(store.getState()), column) >> 1] : undefined;
      if (screen) actions.press(SCREEN_KEYS[screen]);
    });
  const timer = setInterval(tick, TICK_MS);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (): void => quit('running');
  const onKeySignal = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !lend.busy()) quit('running');
  };
  for (const signal of signals) process.on(signal, onKeySignal);
  // A window that vanished makes writing fail; the run does not care.
  stdout.on('error', onSignal);
  const exited = instance.waitUntilExit().then(() => closing.resolve());
  try {
    await Promise.race([closing.promise, exited]);
    await options.onQuit?.(leave);
  } finally {
    clearInterval(timer);
    clearInterval(audits);
    if (deaf) deaf();
    stdout.off('error', onSignal);
    for (const signal of signals) process.off(signal, onKeySignal);
    window.close();
    feed.close();
    options.models?.close();
    instance.unmount();
    await exited.catch(() => undefined);
    unsubscribe();
    stdout.write(mouse.off + alerts.end);
  }
  return { exitCode: store.getState().exitCode, leave, ...(open === undefined ? {} : { open }) };
}
