import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFINED, isModule, loadDefinition } from '../environment/definitions.ts';
import { checkDefinition, kitLines } from '../environment/kit/check.ts';
import { EXIT, UsageError } from './exits.ts';

export interface EnvironmentCommand {
  readonly environment: string;
  /** Longest time for all checks; what hangs is ended then. */
  readonly seconds: number;
  /** This is the process in which the environment runs. */
  readonly inside: boolean;
}

/**
 * `kelvin environment FILE`: the test kit on an environment of one's own, with its samples (docs/environments.md). It runs in a
 * process of its own, so that a fault that hangs is ended and named. Returns the exit code: 7 when a check failed.
 */
export async function environmentCommand({ environment, seconds, inside }: EnvironmentCommand): Promise<number> {
  if (!isModule(environment) && !DEFINED.includes(environment))
    throw new UsageError(`"${environment}" is no environment: name a file (.ts, .mjs, .js), or ${DEFINED.join(' or ')}.`);
  if (!inside) return await inAnotherProcess(environment, seconds);
  const definition = await loadDefinition(isModule(environment) ? resolve(environment) : environment);
  const report = await checkDefinition(definition, { onCheck: (name) => process.stderr.write(`… ${name}\n`) });
  for (const line of kitLines(report)) process.stdout.write(`${line}\n`);
  process.stdout.write(
    report.ok
      ? `${definition.name} keeps the contract on ${definition.samples.length} samples. Train in it: --set language=${environment} --set eval.suite=none\n`
      : `${definition.name} does not keep the contract; do not train in it.\n`,
  );
  return report.ok ? EXIT.ok : EXIT.failed;
}

async function inAnotherProcess(environment: string, seconds: number): Promise<number> {
  const main = process.argv[1] ?? fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, main, 'environment', environment, '--inside'], { stdio: 'inherit' });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  if (!late) return code ?? EXIT.fault;
  process.stdout.write(
    `FAIL It did not end within ${seconds} s: the check named last stands still. A loop in the environment runs on: call tick() in every turn, and bound what is read.\n`,
  );
  return EXIT.failed;
}
