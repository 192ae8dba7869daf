import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: two levels up from the sources, one from the bundle. */
export const ROOT = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
})();

/** A path as the user means it: in the working folder when it is there, else among the files that come with Kelvin. */
export function resolveShipped(path: string): string {
  if (isAbsolute(path)) return path;
  const own = resolve(path);
  const shipped = join(ROOT, path);
  return !existsSync(own) && existsSync(shipped) ? shipped : own;
}

/** Where runs live unless `--run-dir` says otherwise: `KELVIN_RUNS`, or `runs` in the working folder. */
export const runsRoot = (): string => resolve(process.env['KELVIN_RUNS'] ?? 'runs');
