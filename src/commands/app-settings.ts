import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a person keeps their own keys: `KELVIN_KEYS`, else `$XDG_CONFIG_HOME/kelvin/keys.json`, else `~/.config/kelvin/keys.json`. */
function keysFile(env: Readonly<Record<string, string | undefined>> = process.env, home = homedir()): string {
  return env['KELVIN_KEYS'] || join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'kelvin', 'keys.json');
}

/** Puts the person's own keys into force. A file that was named and is not there is an error; the usual place may be empty. @throws ConfigError */
export async function applyOwnKeys(env: Readonly<Record<string, string | undefined>> = process.env): Promise<void> {
  const file = keysFile(env);
  if (!env['KELVIN_KEYS'] && !existsSync(file)) return;
  const { keymapOf, KeymapError } = await import('../../ui/keymap.ts');
  const { setBindings } = await import('../../ui/keys.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KeymapError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  setBindings(keymapOf(text, file));
}
