import type { Language } from '../core/types.ts';
import type { LanguageRuntime } from './language.ts';

/** Loads a language's interpreter, and only that one: each brings a WebAssembly build of its own. */
export async function loadRuntime(language: Language): Promise<LanguageRuntime> {
  if (language === 'javascript') return (await import('./javascript/runtime.ts')).javascriptRuntime;
  if (language === 'python') return (await import('./python/runtime.ts')).pythonRuntime;
  throw new Error(`No interpreter for ${String(language)}.`);
}
