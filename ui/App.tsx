import { useApp, useInput, usePaste } from 'ink';
import { useEffect } from 'react';
import type { Actions } from './actions.ts';
import { keyNames } from './keys.ts';

export interface Controls {
  readonly actions: Actions;
  /** Registers how the terminal is lent to another program: only Ink knows what to take back. */
  readonly onLend: (lend: (work: () => void | Promise<void>) => Promise<void>) => void;
}

/** The terminal's keys, pastes and modes, which Ink knows about. It draws nothing: that is done by `paint.ts`. */
export function App({ controls }: { readonly controls: Controls }) {
  const { suspendTerminal } = useApp();
  useEffect(() => controls.onLend((work) => suspendTerminal(work)), [controls, suspendTerminal]);
  useInput((input, key) => {
    for (const name of keyNames(input, { ...key })) controls.actions.press(name);
  });
  usePaste((text) => controls.actions.paste(text));
  return null;
}
