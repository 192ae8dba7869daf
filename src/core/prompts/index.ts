import type { Language } from '../types.ts';
import { chatDialect } from './chat.ts';
import type { Dialect } from './dialect.ts';
import { nanoDialect } from './nano.ts';

/** The dialect that a model speaks, by the name its file carries (`kelvin.dialect` in the GGUF; `chat` without one). */
export const dialectFor = (name: string, language: Language): Dialect => (name === 'nano' ? nanoDialect : chatDialect(language));
