import { chosenText } from './chosen.ts';
import { zoomed } from './curves.ts';
import { EMPTY_EDITOR, textOf } from './editor.ts';
import type { Action } from './keys.ts';
import { restart } from './pages.ts';
import { commandsFor, remembered } from './palette.ts';
import type { Command } from './palette.ts';
import type { Runs } from './runs.ts';
import { selectedRun } from './runs.ts';
import { shownTasks } from './select.ts';
import { NO_FILTER } from './store.ts';
import type { Purpose, Store } from './store.ts';

/** The keys that reach further than one list: palette, other runs, clipboard, pager, the shell. */
export interface Beyond {
  /** Closes the window; `open`: the folder of the run to show next. */
  readonly quit: (leave: 'running' | 'stopped', open?: string) => void;
  readonly runs?: Pick<Runs, 'refresh' | 'mark' | 'resume' | 'export'> | undefined;
  readonly copy?: ((text: string) => void) | undefined;
  /** Shows a text in the person's own program and comes back; rejects with a sentence. */
  readonly show?: ((text: string, how: 'pager' | 'editor') => Promise<void>) | undefined;
  /** Runs a command of Kelvin on this terminal and comes back; rejects with a sentence. `paged`: its output goes through $PAGER. */
  readonly command?: ((args: readonly string[], paged: boolean) => Promise<void>) | undefined;
  /** Folder of the run on show. */
  readonly runDir?: string | undefined;
  /** Gives the terminal back to the shell until `fg`. */
  readonly suspend?: (() => void) | undefined;
}

interface Tools {
  readonly store: Store;
  readonly effects: Beyond & { readonly now: () => number; readonly refresh: (force: boolean) => void };
  readonly sure: boolean;
  readonly toast: (text: string, tone?: 'good' | 'bad' | 'plain') => void;
  readonly press: (key: string) => void;
  readonly prompt: (purpose: Purpose) => void;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function more(action: Action, tools: Tools): void {
  const { store, effects, toast } = tools;
  const state = store.getState();
  switch (action) {
    case 'palette':
      return tools.sure ? runCommand(tools) : store.setState({ modal: { kind: 'palette', editor: EMPTY_EDITOR, index: 0 } });
    case 'zoomIn':
    case 'zoomOut': {
      const { steps } = state.view;
      const total = steps.length === 0 ? 0 : steps.at(-1)![0] - steps[0]![0] + 1;
      return store.setState({ charts: { ...state.charts, span: zoomed(state.charts.span, total, action === 'zoomIn' ? 1 : -1) } });
    }
    case 'step':
      return tools.prompt({ kind: 'step' });
    case 'tries': {
      const task = shownTasks(state.tasks.rows, state.tasks.text)[state.tasks.index];
      if (!task) return toast('There is no task to look for.');
      store.setState({ ...restart(state, { ...NO_FILTER, taskId: task.id }), screen: 'thoughts' });
      return effects.refresh(true);
    }
    case 'mark':
      toast(effects.runs?.mark() ?? 'Other runs are not at hand here.');
      return effects.runs?.refresh(effects.now());
    case 'openRun': {
      const run = selectedRun(state.runs);
      if (!run) return toast('There is no run to open.');
      if (run.problem !== null) return toast(`It cannot be opened: ${run.problem}`, 'bad');
      return run.name === state.runName ? tools.press('1') : effects.quit('running', run.dir);
    }
    case 'resumeRun': {
      if (!selectedRun(state.runs) || !effects.runs) return toast('There is no run to resume.');
      if (!tools.sure) return store.setState({ modal: { kind: 'confirm', what: 'resumeRun' } });
      toast('Starting its process.');
      return report(effects.runs.resume(), tools);
    }
    case 'exportRun':
      if (!selectedRun(state.runs) || !effects.runs) return toast('There is no run to export.');
      toast('Writing what it has learned.');
      return report(effects.runs.export(), tools);
    case 'copy': {
      const text = chosenText(state);
      if (text === null || !effects.copy) return toast('There is nothing to copy.');
      effects.copy(text);
      return toast('Copied, if this terminal takes it (OSC 52).', 'good');
    }
    case 'pager':
    case 'editor': {
      const text = chosenText(state);
      if (text === null || !effects.show) return toast('There is no text to show.');
      return void effects.show(text, action).catch((error: unknown) => toast(messageOf(error), 'bad'));
    }
    case 'blind':
      return lent(['review', effects.runDir ?? state.runName, '--blind'], false, tools);
    case 'auditLog':
      return lent(['audit', effects.runDir ?? state.runName], true, tools);
    case 'chat': {
      if (state.screen === 'runs') {
        const run = selectedRun(state.runs);
        return run ? lent(['chat', '--run', run.dir], false, tools) : toast('There is no run to talk to.');
      }
      const file = state.models.rows?.[state.models.index]?.file;
      return file ? lent(['chat', '--model', file], false, tools) : toast('This model is not here yet: Enter fetches it.');
    }
    case 'judge': {
      const row = state.models.rows?.[state.models.index];
      if (!row?.file) return toast('This model is not here yet: Enter fetches it.');
      const setting = `--set safety.judge.model=${row.file}`;
      effects.copy?.(setting);
      return toast(`Copied, if this terminal takes it: ${setting}. It goes with kelvin train, or kelvin resume RUN --accept.`, 'good');
    }
    case 'suspend':
      return effects.suspend?.();
    default:
  }
}

function lent(args: readonly string[], paged: boolean, { effects, toast }: Tools): void {
  if (!effects.command) return toast(`In a shell: kelvin ${args.join(' ')}`);
  void effects.command(args, paged).catch((error: unknown) => toast(messageOf(error), 'bad'));
}

function report(work: Promise<string>, { toast, effects }: Tools): void {
  void work.then(
    (said) => {
      toast(said, 'good');
      effects.runs?.refresh(effects.now(), true);
    },
    (error: unknown) => toast(messageOf(error), 'bad'),
  );
}

function runCommand(tools: Tools): void {
  const { store, toast } = tools;
  const state = store.getState();
  if (state.modal?.kind !== 'palette') return;
  const command = commandsFor(state, textOf(state.modal.editor))[state.modal.index];
  if (!command) return toast('No command fits. Esc closes the list.');
  store.setState({ modal: null, commands: remembered(state.commands, command.name) });
  follow(command, tools);
}

function follow({ act }: Command, { store, press, effects }: Tools): void {
  const state = store.getState();
  if (act.kind === 'key') return press(act.key);
  if (act.kind === 'chart') {
    const { steps } = state.view;
    const paths = [...new Set(steps.flatMap(([, metrics]) => Object.keys(metrics)))].sort();
    store.setState({ screen: 'charts', charts: { ...state.charts, text: '', index: Math.max(0, paths.indexOf(act.path)) } });
  } else store.setState({ ...restart(state, { ...NO_FILTER, step: act.step }), screen: 'thoughts' });
  effects.refresh(true);
}
