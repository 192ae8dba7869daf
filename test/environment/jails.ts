import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';

/** What tries to get out, the verdicts that show that it came to nothing (`ok|error`), and the output where it ends well. */
export type Jail = readonly [code: string, verdict: string, output?: string];

export interface JailKeeper {
  readonly environment: SandboxEnvironment;
  readonly programOf: (code: string) => string;
  /** Runs after each attempt, on 1, and must give `clean`: nothing of the attempt is left. */
  readonly probe: string;
  readonly clean: string;
  /** What only the host knows. */
  readonly host: RegExp;
}

/** The jails that did not hold, with what was seen. */
export async function escaped(jails: readonly Jail[], { environment, programOf, probe, clean, host }: JailKeeper): Promise<unknown[]> {
  const seen = await Promise.all(
    jails.map(([code]) => Promise.all([environment.examine(programOf(code), ''), environment.execute(probe, '1')])),
  );
  return seen.flatMap(([execution, after], index) => {
    const [code, verdicts, output] = jails[index] as Jail;
    const said = execution.verdict === 'ok' ? execution.output : execution.detail;
    const held =
      verdicts.split('|').includes(execution.verdict) &&
      (execution.verdict !== 'ok' || output === undefined || output === said) &&
      !host.test(said) &&
      after.verdict === 'ok' &&
      after.output === clean;
    return held ? [] : [{ code, verdicts, execution, after }];
  });
}
