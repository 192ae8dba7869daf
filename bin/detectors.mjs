// Every file of safety/detectors is a detector: this writes the list that the monitor imports. Dependency-free.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of `safety/detectors/index.ts`, from the files beside it in the order of their names. */
export function detectorIndex(root) {
  const names = readdirSync(join(root, 'safety', 'detectors'))
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .map((file) => file.slice(0, -3))
    .sort();
  const variable = (name) => name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return [
    '// Written by bin/detectors.mjs before every build and test run: each file of this folder exports `detector`.',
    ...names.map((name) => `import { detector as ${variable(name)} } from './${name}.ts';`),
    "import type { Detector } from '../detector.ts';",
    '',
    'export const detectors: readonly Detector[] = [',
    ...names.map((name) => `  ${variable(name)},`),
    '];',
    '',
  ].join('\n');
}

export function writeDetectorIndex(root) {
  const file = join(root, 'safety', 'detectors', 'index.ts');
  const text = detectorIndex(root);
  if (readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}
