import type { Language } from '../core/types.ts';
import type { Attack, LanguageRules } from './language.ts';
import type { EnvironmentLimits } from './port.ts';
import type { SandboxEnvironment, SandboxOptions } from './sandbox.ts';

/** A language as the commands use it: its sandbox, and the hostile programs that try it. */
export interface KnownLanguage {
  readonly rules: LanguageRules;
  readonly attacks: readonly Attack[];
  /** Errors as in `openSandbox`. */
  readonly open: (limits: Partial<EnvironmentLimits>, options: SandboxOptions) => Promise<SandboxEnvironment>;
}

export const LANGUAGES: readonly Language[] = ['javascript', 'python'];

export const isLanguage = (name: string): name is Language => (LANGUAGES as readonly string[]).includes(name);

/** Loads what the host needs of a language, and only of that one. */
export async function loadLanguage(language: Language): Promise<KnownLanguage> {
  if (language === 'javascript') {
    const [{ openJavascriptEnvironment }, { javascriptRules }, { javascriptAttacks }] = await Promise.all([
      import('./javascript.ts'),
      import('./javascript/rules.ts'),
      import('./javascript/attacks.ts'),
    ]);
    return { rules: javascriptRules, attacks: javascriptAttacks, open: openJavascriptEnvironment };
  }
  if (language === 'python') {
    const [{ openPythonEnvironment }, { pythonRules }, { pythonAttacks }] = await Promise.all([
      import('./python.ts'),
      import('./python/rules.ts'),
      import('./python/attacks.ts'),
    ]);
    return { rules: pythonRules, attacks: pythonAttacks, open: openPythonEnvironment };
  }
  throw new RangeError(`Kelvin runs ${LANGUAGES.join(' and ')}, not ${JSON.stringify(language)}.`);
}
