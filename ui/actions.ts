import type { CommandBody } from '../src/record/port.ts';
import { contextsOf } from './contexts.ts';
import { edit, editorOf, EMPTY_EDITOR, insert, textOf } from './editor.ts';
import { cleared, filtered, filteredScreen, filterText } from './filters.ts';
import { lookup, SCREEN_KEYS, SCREENS } from './keys.ts';
import type { Action, ScreenName } from './keys.ts';
import { tooSmall } from './layout.ts';
import type { Models } from './models.ts';
import { more } from './more.ts';
import type { Beyond } from './more.ts';
import { moveBy, scrollToFlag } from './moves.ts';
import { restart } from './pages.ts';
import { cardOpen, chartPaths, examplesOf, findingKey, pauseFinding, runState, safetySelected } from './select.ts';
import { NO_FILTER } from './store.ts';
import type { AppState, FilteredScreen, Modal, Purpose, Store } from './store.ts';

/** What a key may do beyond changing the state. */
export interface Effects extends Beyond {
  readonly send: (command: CommandBody) => Promise<{ readonly ok: boolean; readonly message: string }>;
  readonly repaint: () => void;
  /** Reads the rows of the current screen again. */
  readonly refresh: (force: boolean) => void;
  readonly now: () => number;
  readonly models?: Pick<Models, 'load' | 'choose'> | undefined;
  /** Who resumes and reviews; goes into the audit log. */
  readonly user: string;
}

const TOAST_MS = 5000;
const WHEEL_ROWS = 3;

type Typing = Extract<Modal, { kind: 'prompt' | 'palette' }>;

export class Actions {
  readonly #store: Store;
  readonly #effects: Effects;

  constructor(store: Store, effects: Effects) {
    this.#store = store;
    this.#effects = effects;
  }

  /** One key, by name. Unknown keys do nothing; no key throws. */
  press(key: string): void {
    const state = this.#store.getState();
    if (state.modal?.kind === 'prompt' || state.modal?.kind === 'palette') {
      if (this.#type(state.modal, key)) return;
    } else if (tooSmall(state.size) && !['ctrl+l', 'ctrl+c', 'ctrl+z', 'q', 'esc'].includes(key) && state.modal?.kind !== 'quit') return;
    const binding = lookup(contextsOf(state), key);
    if (binding) this.#act(binding.action, key);
  }

  /** Pasted text reaches the line being typed and nothing else. */
  paste(text: string): void {
    const { modal } = this.#store.getState();
    if (modal?.kind === 'prompt' || modal?.kind === 'palette') this.#edited(modal, insert(modal.editor, text));
  }

  /** The wheel moves what the arrows move. */
  wheel(move: 'up' | 'down'): void {
    for (let i = 0; i < WHEEL_ROWS; i++) this.#store.setState(moveBy(this.#store.getState(), move));
    this.#effects.refresh(false);
  }

  #type(modal: Typing, key: string): boolean {
    const next = edit(modal.editor, key);
    if (!next) return false;
    this.#edited(modal, next);
    return true;
  }

  #edited(modal: Typing, editor: typeof modal.editor): void {
    if (modal.kind === 'palette') return this.#store.setState({ modal: { ...modal, editor, index: 0 } });
    this.#store.setState({ modal: { ...modal, editor, error: null } });
    if (modal.purpose.kind === 'filter') this.#filter(modal.purpose.screen, textOf(editor));
  }

  #act(action: Action, key: string): void {
    const store = this.#store;
    const state = store.getState();
    switch (action) {
      case 'screen':
        return this.#show(
          SCREENS.find((screen) => SCREEN_KEYS[screen] === key)!,
          state,
        );
      case 'help':
        return store.setState({ modal: state.modal?.kind === 'help' ? null : { kind: 'help', scroll: 0 } });
      case 'figures':
        return store.setState({ modal: { kind: 'figures', scroll: 0 } });
      case 'repaint':
        return this.#effects.repaint();
      case 'interrupt':
        return state.modal?.kind === 'quit' ? this.#effects.quit('running') : store.setState({ modal: { kind: 'quit' } });
      case 'quit':
        // A finished run has nothing left to ask about.
        return state.view.ended !== null || state.connection === 'none'
          ? this.#effects.quit('stopped')
          : store.setState({ modal: { kind: 'quit' } });
      case 'leave':
        store.setState({ modal: null });
        return this.#effects.quit('running');
      case 'stop':
        store.setState({ modal: null });
        return this.#stop();
      case 'out':
        return this.#out(state);
      case 'up':
      case 'down':
      case 'pageUp':
      case 'pageDown':
      case 'top':
      case 'bottom':
        store.setState(moveBy(state, action));
        return this.#effects.refresh(false);
      default:
        return this.#act2(action, state);
    }
  }

  #act2(action: Action, state: AppState): void {
    const store = this.#store;
    switch (action) {
      case 'pause':
        if (state.view.pause) return this.#toast('The run is paused already.', 'plain');
        return this.#send({ command: 'pause', reason: `asked for by ${this.#effects.user}` }, 'Pausing before the next optimiser step.');
      case 'resume':
        if (!state.view.pause && !state.status?.alert) return this.#toast('The run is not paused.', 'plain');
        return this.#prompt({ kind: 'resume' });
      case 'filter': {
        const screen = filteredScreen(state);
        if (screen === null) return;
        const before = filterText(state, screen);
        return this.#prompt({ kind: 'filter', screen, before }, before);
      }
      case 'clear':
        return this.#clear(state);
      case 'focus':
      case 'open':
        return this.#open(state, action);
      case 'choose':
        return this.#toast(this.#effects.models?.choose() ?? 'The list is not at hand here.', 'plain');
      case 'zoom':
        return store.setState({ run: { ...state.run, zoom: !state.run.zoom } });
      case 'left':
      case 'right':
        return this.#sideways(state, action === 'left' ? -1 : 1);
      case 'log':
        return store.setState({ charts: { ...state.charts, log: !state.charts.log } });
      case 'live':
        store.setState({
          thoughts: { ...state.thoughts, mode: state.thoughts.mode === 'live' ? 'past' : 'live', focus: 'list', scroll: 0, follow: true },
        });
        return this.#effects.refresh(true);
      case 'role':
        return this.#refilter(state, { role: next(state.thoughts.filter.role, ['propose', 'solve']) });
      case 'type':
        if (state.screen === 'thoughts') return this.#refilter(state, { taskType: next(state.thoughts.filter.taskType, TYPES) });
        store.setState({ tasks: { ...state.tasks, taskType: next(state.tasks.taskType, TYPES), index: 0, scroll: 0 } });
        return this.#effects.refresh(true);
      case 'verdict':
        return this.#refilter(state, { outcome: next(state.thoughts.filter.outcome, ['passable', 'wrong', 'malformed']) });
      case 'flagged':
        return this.#refilter(state, { minSeverity: state.thoughts.filter.minSeverity === undefined ? 1 : undefined });
      case 'nextFlag':
      case 'previousFlag':
        store.setState(scrollToFlag(state, action === 'nextFlag' ? 1 : -1));
        return this.#effects.refresh(false);
      case 'all':
        store.setState({ safety: { ...state.safety, all: !state.safety.all, scroll: null } });
        return this.#effects.refresh(false);
      case 'review': {
        const item = pauseFinding(state);
        const safety = item ? { ...state.safety, selected: findingKey(item), all: true, text: '', scroll: null } : state.safety;
        store.setState({ asideSeq: state.pauseSeq, screen: 'safety', safety });
        return this.#effects.refresh(true);
      }
      case 'confirmed':
      case 'escalate':
      case 'dismiss':
      case 'undo':
        return this.#label(state, action);
      case 'drill':
        return store.setState({ modal: { kind: 'confirm', what: 'drill' } });
      case 'confirm':
        store.setState({ modal: null });
        if (state.modal?.kind === 'confirm' && state.modal.what === 'resumeRun') return more('resumeRun', this.#tools(true));
        return this.#send({ command: 'drill' }, 'Drill asked for: watch for the pause.');
      case 'submit':
        if (state.modal?.kind === 'prompt') this.#submit(state.modal);
        else if (state.modal?.kind === 'palette') more('palette', this.#tools(true));
        return;
      default:
        more(action, this.#tools(false));
    }
  }

  #show(screen: ScreenName, state: AppState): void {
    this.#store.setState({ screen, modal: null, ...(cardOpen(state) ? { asideSeq: state.pauseSeq } : {}) });
    if (screen === 'models') this.#effects.models?.load();
    if (screen === 'runs') this.#effects.runs?.refresh(this.#effects.now(), true);
    this.#effects.refresh(true);
  }

  #out(state: AppState): void {
    const { setState } = this.#store;
    if (state.modal?.kind === 'prompt' && state.modal.purpose.kind === 'filter') {
      const { screen, before } = state.modal.purpose;
      setState({ modal: null });
      return this.#filter(screen, before);
    }
    if (state.modal) return setState({ modal: null });
    if (cardOpen(state)) return setState({ asideSeq: state.pauseSeq, cardScroll: 0 });
    if (state.screen === 'run') return setState({ run: { ...state.run, zoom: false } });
    const screen = filteredScreen(state);
    if (screen === null) return;
    if (screen !== 'charts' && (screen === 'eval' ? state.evals : state[screen]).focus === 'detail') return this.#open(state, 'focus');
    return this.#clear(state);
  }

  #open(state: AppState, action: 'focus' | 'open'): void {
    const { setState } = this.#store;
    const flip = (focus: 'list' | 'detail') => (action === 'open' ? 'detail' : focus === 'list' ? 'detail' : 'list') as 'list' | 'detail';
    if (state.screen === 'thoughts') setState({ thoughts: { ...state.thoughts, focus: flip(state.thoughts.focus) } });
    else if (state.screen === 'tasks') setState({ tasks: { ...state.tasks, focus: flip(state.tasks.focus) } });
    else if (state.screen === 'safety') setState({ safety: { ...state.safety, focus: flip(state.safety.focus) } });
    else if (state.screen === 'runs') setState({ runs: { ...state.runs, focus: flip(state.runs.focus) } });
    else if (state.screen === 'eval') setState({ evals: { ...state.evals, focus: flip(state.evals.focus) } });
    else if (state.screen === 'charts') {
      const at = state.view.steps[state.view.steps.length - 1 - state.charts.back]?.[0];
      if (at === undefined) return;
      setState({ ...restart(state, { ...NO_FILTER, step: at, ...examplesOf(chartPaths(state)[state.charts.index]) }), screen: 'thoughts' });
      this.#effects.refresh(true);
    }
  }

  #sideways(state: AppState, by: number): void {
    if (state.screen === 'run') return this.#store.setState({ run: { ...state.run, chart: Math.max(0, state.run.chart + by) } });
    const count = state.view.steps.length;
    this.#store.setState({ charts: { ...state.charts, back: Math.max(0, Math.min(count - 1, state.charts.back - by)) } });
  }

  #filter(screen: FilteredScreen, text: string): void {
    this.#store.setState(filtered(this.#store.getState(), screen, text));
    this.#effects.refresh(false);
  }

  #refilter(state: AppState, change: Partial<AppState['thoughts']['filter']>): void {
    this.#store.setState(restart(state, { ...state.thoughts.filter, ...change }));
    this.#effects.refresh(true);
  }

  #clear(state: AppState): void {
    this.#store.setState(cleared(state));
    this.#effects.refresh(true);
  }

  #label(state: AppState, action: 'confirmed' | 'escalate' | 'dismiss' | 'undo'): void {
    const item = cardOpen(state) ? pauseFinding(state) : safetySelected(state);
    if (!item) return this.#toast('There is no finding to label.', 'plain');
    if (action === 'dismiss' || action === 'escalate') return this.#prompt({ kind: action, item });
    const { rolloutId, index } = item;
    const [label, done] = action === 'undo' ? (['new', 'Label taken back.'] as const) : (['confirmed', 'Confirmed.'] as const);
    this.#send({ command: 'review', rolloutId, index, label, reason: '', by: this.#effects.user }, done);
  }

  #prompt(purpose: Purpose, text = ''): void {
    this.#store.setState({ modal: { kind: 'prompt', purpose, editor: text === '' ? EMPTY_EDITOR : editorOf(text), error: null } });
  }

  #submit(modal: Extract<Modal, { kind: 'prompt' }>): void {
    const reason = textOf(modal.editor).trim();
    const { purpose } = modal;
    if (purpose.kind === 'filter') return this.#store.setState({ modal: null });
    if (purpose.kind === 'step') {
      if (!/^\d{1,9}$/.test(reason)) return this.#store.setState({ modal: { ...modal, error: 'A step is a whole number.' } });
      this.#store.setState({ modal: null });
      return this.#refilter(this.#store.getState(), { step: Number(reason) });
    }
    if (reason === '') return this.#store.setState({ modal: { ...modal, error: 'A reason is needed: it goes into the audit log.' } });
    this.#store.setState({ modal: null });
    const by = this.#effects.user;
    if (purpose.kind === 'resume') return this.#send({ command: 'resume', reason, by }, 'Resumed. The reason is in the audit log.');
    const { rolloutId, index } = purpose.item;
    const [label, done] =
      purpose.kind === 'escalate' ? (['escalated', 'Escalated.'] as const) : (['dismissed', 'Dismissed as a false alarm.'] as const);
    this.#send({ command: 'review', rolloutId, index, label, reason, by }, done);
  }

  #stop(): void {
    const gone = ['crashed', 'finished', 'stopped', 'error'].includes(runState(this.#store.getState()));
    if (gone) return this.#effects.quit('stopped');
    this.#toast('Stopping: the run writes a checkpoint first.', 'plain');
    void this.#effects
      .send({ command: 'stop' })
      .then((reply) => (reply.ok ? this.#effects.quit('stopped') : this.#toast(`Not stopped: ${reply.message}.`, 'bad')));
  }

  #send(command: CommandBody, done: string): void {
    void this.#effects
      .send(command)
      .then((reply) => this.#toast(reply.ok ? done : `Not done: ${reply.message}.`, reply.ok ? 'good' : 'bad'));
  }

  /** What the less common keys need; `sure`: a person has confirmed. */
  #tools(sure: boolean): Parameters<typeof more>[1] {
    return {
      store: this.#store,
      effects: this.#effects,
      sure,
      toast: (text, tone = 'plain') => this.#toast(text, tone),
      press: (key) => this.press(key),
      prompt: (purpose) => this.#prompt(purpose),
    };
  }

  #toast(text: string, tone: 'good' | 'bad' | 'plain'): void {
    this.#store.setState({ toast: { text, tone, until: this.#effects.now() + TOAST_MS } });
  }
}

const TYPES = ['deduction', 'abduction', 'induction'] as const;

/** The value after `current` in the cycle all → first → … → all. */
const next = <T extends string>(current: string | undefined, values: readonly T[]): T | undefined =>
  current === undefined ? values[0] : values[values.indexOf(current as T) + 1];
