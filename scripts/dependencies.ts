/** `npm run audit:deps` and `npm run sbom [-- FILE]`: checks of the pinned packages, and their bill of materials. Neither asks the network. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditDependencies, billOfMaterials, readDependencies } from '../src/commands/dependencies.ts';
import { ROOT } from '../src/commands/paths.ts';

// A reader that went away (`| head`) is no fault.
process.stdout.on('error', () => {});
const [, , what, file] = process.argv;
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const dependencies = readDependencies();
if (what === 'sbom') {
  const text = `${JSON.stringify(billOfMaterials(dependencies, manifest.version), null, 2)}\n`;
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
} else {
  const { problems, warnings } = auditDependencies(dependencies, manifest);
  for (const warning of warnings) process.stdout.write(`WARN  ${warning}\n`);
  for (const problem of problems) process.stdout.write(`FAIL  ${problem}\n`);
  const [used, tools] = [dependencies.filter((item) => !item.dev).length, dependencies.filter((item) => item.dev).length];
  process.stdout.write(
    `${used} packages are installed with Kelvin, ${tools} more for its tests: checksums, licences, install scripts and pins ${problems.length === 0 ? 'are in order' : 'are not in order'}. Known vulnerabilities: \`npm audit\`, which asks the registry.\n`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
