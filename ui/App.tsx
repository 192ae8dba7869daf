import { Box, Text, useApp, useInput, usePaste, useWindowSize } from 'ink';
import { useEffect, useRef, useState } from 'react';
import type { Actions } from './actions.ts';
import { Header, StatusBar } from './components/Chrome.tsx';
import { StoreContext, useAppState } from './components/context.ts';
import { Card, Confirm, Help, Quit } from './components/Dialogs.tsx';
import { Palette } from './components/Palette.tsx';
import { keyNames } from './keys.ts';
import type { ScreenName } from './keys.ts';
import { bodyRows, MIN_COLUMNS, MIN_ROWS, tooSmall, usableRows } from './layout.ts';
import { cardOpen } from './select.ts';
import { ChartsScreen } from './screens/charts.tsx';
import { EvalScreen } from './screens/eval.tsx';
import { MachineScreen } from './screens/machine.tsx';
import { ModelsScreen } from './screens/models.tsx';
import { RunScreen } from './screens/run.tsx';
import { RunsScreen } from './screens/runs.tsx';
import { SafetyScreen } from './screens/safety.tsx';
import { TasksScreen } from './screens/tasks.tsx';
import { ThoughtsScreen } from './screens/thoughts.tsx';
import type { AppState, Store } from './store.ts';

const SCREEN: Readonly<Record<ScreenName, (props: { readonly state: AppState }) => React.ReactNode>> = {
  run: RunScreen,
  thoughts: ThoughtsScreen,
  tasks: TasksScreen,
  safety: SafetyScreen,
  charts: ChartsScreen,
  runs: RunsScreen,
  models: ModelsScreen,
  eval: EvalScreen,
  machine: MachineScreen,
};

/** A window that is being dragged is repainted once it rests. */
const SETTLE_MS = 50;

export interface Controls {
  readonly actions: Actions;
  readonly resize: (columns: number, rows: number) => void;
  /** Registers what Ctrl-L does: only Ink knows how to draw everything anew. */
  readonly onRepaint: (repaint: () => void) => void;
  /** Registers how the terminal is lent to another program: only Ink knows what to take back. */
  readonly onLend: (lend: (work: () => void | Promise<void>) => Promise<void>) => void;
}

function Body({ state }: { readonly state: AppState }) {
  if (state.modal?.kind === 'help' || state.modal?.kind === 'figures')
    return <Help state={state} scroll={state.modal.scroll} figures={state.modal.kind === 'figures'} />;
  if (state.modal?.kind === 'quit') return <Quit state={state} />;
  if (state.modal?.kind === 'palette') return <Palette state={state} modal={state.modal} />;
  if (state.modal?.kind === 'confirm') return <Confirm state={state} what={state.modal.what} />;
  if (cardOpen(state)) return <Card state={state} />;
  const Screen = SCREEN[state.screen];
  return <Screen state={state} />;
}

function TooSmall({ state }: { readonly state: AppState }) {
  const { columns, rows } = state.size;
  return (
    <Box width={columns} height={Math.max(1, rows)} alignItems="center" justifyContent="center" flexDirection="column" overflow="hidden">
      <Text wrap="truncate-end">{`This window is ${columns} x ${rows}.`}</Text>
      <Text wrap="truncate-end">{`Kelvin needs ${MIN_COLUMNS} x ${MIN_ROWS}: make it larger.`}</Text>
      <Text wrap="truncate-end">
        {state.modal?.kind === 'quit' ? 'Quit? l leaves the run running, s stops it.' : 'The run goes on. q quits.'}
      </Text>
    </Box>
  );
}

/** One whole screen, from the state alone. */
export function Frame({ state }: { readonly state: AppState }) {
  if (tooSmall(state.size)) return <TooSmall state={state} />;
  return (
    <Box flexDirection="column" width={state.size.columns} height={usableRows(state)} overflow="hidden">
      <Header state={state} />
      <Box height={bodyRows(state)} overflow="hidden">
        <Body state={state} />
      </Box>
      <StatusBar state={state} />
    </Box>
  );
}

function Shell({ controls }: { readonly controls: Controls }) {
  const state = useAppState();
  const { columns, rows } = useWindowSize();
  const { waitUntilRenderFlush, suspendTerminal } = useApp();
  const [blank, setBlank] = useState(false);
  const drawn = useRef(false);
  useEffect(() => {
    const repaint = (): void => {
      setBlank(true);
      void waitUntilRenderFlush().then(() => setBlank(false));
    };
    controls.onRepaint(repaint);
    controls.onLend((work) => suspendTerminal(work));
    controls.resize(columns, rows);
    // Ink draws by moving relative to its last frame, and a resize moves what it counts on.
    const settled = drawn.current ? setTimeout(repaint, SETTLE_MS) : undefined;
    drawn.current = true;
    return () => clearTimeout(settled);
  }, [controls, columns, rows, waitUntilRenderFlush, suspendTerminal]);
  useInput((input, key) => {
    for (const name of keyNames(input, { ...key })) controls.actions.press(name);
  });
  usePaste((text) => controls.actions.paste(text));
  // A frame for another size than the terminal's would wrap or scroll: sizes come from Ink at once, the rest from the store.
  const sized = columns === state.size.columns && rows === state.size.rows ? state : { ...state, size: { columns, rows } };
  // A frame lower than the screen after one that filled it makes Ink clear the screen from its corner; the next one starts afresh.
  return blank ? <Text> </Text> : <Frame state={sized} />;
}

export const App = ({ store, controls }: { readonly store: Store; readonly controls: Controls }) => (
  <StoreContext value={store}>
    <Shell controls={controls} />
  </StoreContext>
);
