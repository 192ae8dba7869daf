import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { LiveMessage, RolloutRecord } from '../src/core/events.ts';
import { EMPTY_VIEW } from '../src/core/fold.ts';
import type { FlaggedThought, RunView } from '../src/core/fold.ts';
import type { Role, Task, TaskType } from '../src/core/types.ts';
import type { Editor } from './editor.ts';
import { NO_EVALS } from './evals.ts';
import type { EvalsState } from './evals.ts';
import type { Family } from './family.ts';
import type { ScreenName } from './keys.ts';
import { NO_MACHINE } from './machine.ts';
import type { MachineState } from './machine.ts';
import { NO_MODELS } from './models.ts';
import type { ModelsState } from './models.ts';
import { NO_RUNS } from './runs.ts';
import type { RunsState } from './runs.ts';
import type { Theme } from './theme.ts';

/** The state of the app, outside React. Data arrives at most ten times a second; keys change it at once. */
export interface AppState {
  readonly theme: Theme;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly runName: string;

  readonly view: RunView;
  /** Position of the last journal event folded into `view`. */
  readonly seq: number;
  readonly loaded: boolean;
  readonly startedAt: number | null;
  readonly lastAt: number | null;
  /** Wall clock, whole seconds in ms. */
  readonly now: number;
  /** Exit code that an `error` event asked for. */
  readonly exitCode: number;
  readonly connection: Connection;
  /** Since when `connection` is what it is, ms. */
  readonly connectionSince: number;
  /** How the run process ended, when it is gone and left a trace; untrusted text. */
  readonly lastWords: string | null;
  readonly status: Status | null;
  readonly live: readonly LiveStream[];
  /** Key of the stream to show while nobody chose one; it changes only when that stream falls silent. */
  readonly followed: string | null;
  readonly journalError: string | null;
  /** What was measured of the monitor, as plain lines; null where nobody tells. */
  readonly figures: ((view: RunView) => readonly string[]) | null;
  /** The audit chain as it was last checked; null before. */
  readonly audit: { readonly ok: boolean; readonly reason?: string | undefined } | null;
  /** Journal position of the open pause; null when the run is not paused. */
  readonly pauseSeq: number | null;

  readonly screen: ScreenName;
  readonly modal: Modal | null;
  /** The pause whose card was put aside. */
  readonly asideSeq: number | null;
  readonly cardScroll: number;
  /** The rollout behind the open pause. */
  readonly cardRecord: RolloutRecord | null;
  readonly toast: { readonly text: string; readonly tone: 'good' | 'bad' | 'plain'; readonly until: number } | null;
  readonly run: { readonly zoom: boolean; readonly chart: number };
  readonly thoughts: ThoughtsState;
  readonly tasks: TasksState;
  readonly safety: SafetyState;
  readonly charts: ChartsState;
  readonly models: ModelsState;
  readonly runs: RunsState;
  readonly evals: EvalsState;
  readonly machine: MachineState;
  /** Names of the palette's commands that were used, newest first. */
  readonly commands: readonly string[];
}

/** `none`: no run process was expected (a finished run); `gone`: it answered once, or should, and does not. */
export type Connection = 'none' | 'connecting' | 'live' | 'gone';
export type Status = Extract<LiveMessage, { type: 'status' }>;
export interface LiveStream {
  readonly key: string;
  readonly role: Role;
  readonly taskType: TaskType;
  readonly text: string;
  /** When it last grew, ms. */
  readonly at: number;
}

export type Modal =
  | { readonly kind: 'help' | 'figures'; readonly scroll: number }
  | { readonly kind: 'quit' }
  | { readonly kind: 'confirm'; readonly what: 'drill' | 'resumeRun' }
  | { readonly kind: 'palette'; readonly editor: Editor; readonly index: number }
  | { readonly kind: 'prompt'; readonly purpose: Purpose; readonly editor: Editor; readonly error: string | null };
export type Purpose =
  | { readonly kind: 'resume' }
  | { readonly kind: 'step' }
  | { readonly kind: 'dismiss' | 'escalate'; readonly item: FlaggedThought }
  | { readonly kind: 'filter'; readonly screen: FilteredScreen; readonly before: string };
export type FilteredScreen = 'thoughts' | 'tasks' | 'safety' | 'charts' | 'runs' | 'eval';

export type Focus = 'list' | 'detail';

/** A loaded window of a longer list: `rows[0]` is the list's element `offset`. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly offset: number;
  readonly count: number;
  /** Share of the record that was looked at for it; 1 = all. */
  readonly searched: number;
}
export const EMPTY_PAGE: Page<never> = { rows: [], offset: 0, count: 0, searched: 0 };

export interface ThoughtFilter {
  readonly role: string | undefined;
  readonly taskType: string | undefined;
  readonly outcome: string | undefined;
  readonly minSeverity: number | undefined;
  readonly step: number | undefined;
  readonly taskId: string | undefined;
  readonly text: string;
}
export const NO_FILTER: ThoughtFilter = {
  role: undefined,
  taskType: undefined,
  outcome: undefined,
  minSeverity: undefined,
  step: undefined,
  taskId: undefined,
  text: '',
};

export interface ThoughtsState {
  readonly mode: 'live' | 'past';
  readonly filter: ThoughtFilter;
  readonly index: number;
  readonly focus: Focus;
  readonly scroll: number;
  readonly page: Page<RolloutRecord>;
  /** The task that the selected rollout solved. */
  readonly task: Task | null;
  readonly liveIndex: number;
  /** Follow the stream that grew last until a person moves. */
  readonly follow: boolean;
}

export interface TasksState {
  readonly taskType: TaskType | undefined;
  readonly text: string;
  readonly index: number;
  readonly focus: Focus;
  readonly scroll: number;
  readonly rows: readonly Task[];
  /** Rows asked of the journal so far; grows as a person scrolls. */
  readonly limit: number;
  /** Rollouts that tried to solve the selected task. */
  readonly attempts: { readonly taskId: string; readonly rows: readonly RolloutRecord[] } | null;
  /** Where the selected task comes from. */
  readonly family: Family | null;
}

export interface SafetyState {
  readonly all: boolean;
  readonly text: string;
  /** `rolloutId/index` of the selected finding; null selects the first. */
  readonly selected: string | null;
  readonly focus: Focus;
  /** null: wherever the quoted span is in sight. */
  readonly scroll: number | null;
  readonly record: RolloutRecord | null;
}

export interface ChartsState {
  readonly text: string;
  readonly index: number;
  /** Column value under the cursor, counted from the newest step; 0 is the newest. */
  readonly back: number;
  readonly log: boolean;
  /** Steps in sight; null = all. */
  readonly span: number | null;
}

export type Store = StoreApi<AppState>;

export function createAppStore(theme: Theme, size: AppState['size'], runName: string, now: number): Store {
  return createStore<AppState>(() => ({
    theme,
    size,
    runName,
    view: EMPTY_VIEW,
    seq: 0,
    loaded: false,
    startedAt: null,
    lastAt: null,
    now,
    exitCode: 0,
    connection: 'none',
    connectionSince: now,
    lastWords: null,
    status: null,
    live: [],
    followed: null,
    journalError: null,
    audit: null,
    figures: null,
    pauseSeq: null,
    screen: 'run',
    modal: null,
    asideSeq: null,
    cardScroll: 0,
    cardRecord: null,
    toast: null,
    run: { zoom: false, chart: 0 },
    thoughts: {
      mode: 'live',
      filter: NO_FILTER,
      index: 0,
      focus: 'list',
      scroll: 0,
      page: EMPTY_PAGE,
      task: null,
      liveIndex: 0,
      follow: true,
    },
    tasks: { taskType: undefined, text: '', index: 0, focus: 'list', scroll: 0, rows: [], limit: 1000, attempts: null, family: null },
    safety: { all: false, text: '', selected: null, focus: 'list', scroll: null, record: null },
    charts: { text: '', index: 0, back: 0, log: false, span: null },
    models: NO_MODELS,
    runs: NO_RUNS,
    evals: NO_EVALS,
    machine: NO_MACHINE,
    commands: [],
  }));
}
