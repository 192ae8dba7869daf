/** One process of a trial: `run.ts DIR STEPS [path=value …]` starts the run in DIR or goes on with it; `--reason` answers a pause. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../src/commands/exits.ts';
import { runSession } from '../../src/commands/session.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { configOf, parts } from './world.ts';

const [, , dir = '', steps = '10', ...overrides] = process.argv;
const config = configOf(Number(steps), overrides);
try {
  if (!existsSync(join(dir, 'run.json'))) createRunFolder({ root: '.', runDir: dir, name: config.name, config });
  process.exitCode = await runSession({
    runDir: dir,
    config,
    parts,
    exitOnPause: true,
    reason: 'the trial goes on',
    onEvent: (event) => {
      if (event.type === 'step') process.stdout.write(`${event.step}\n`);
    },
  });
} catch (error) {
  const { code, message } = explain(error);
  process.exitCode = code;
  process.stderr.write(`${message}\n`);
}
process.exit();
