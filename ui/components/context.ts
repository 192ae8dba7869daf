import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { AppState, Store } from '../store.ts';

export const StoreContext = createContext<Store | null>(null);

/** The whole state; screens are cheap to draw because the data below them are cached by identity. */
export function useAppState(): AppState {
  const store = useContext(StoreContext);
  if (!store) throw new Error('The screens need a StoreContext around them.');
  return useStore(store);
}
