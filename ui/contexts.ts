import type { Context } from './keys.ts';
import { cardOpen } from './select.ts';
import type { AppState } from './store.ts';

/** Contexts of the current state, most specific first. Also what the status bar shows hints for. */
export function contextsOf(state: AppState): Context[] {
  // The figures are a text like the help.
  if (state.modal) return [state.modal.kind === 'figures' ? 'help' : state.modal.kind, 'always'];
  if (cardOpen(state)) return ['card', 'always'];
  return [state.screen, 'screen', 'always'];
}
