import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, machine, release } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunEvent } from '../core/events.ts';
import type { Language } from '../core/types.ts';
import { testIsolation } from '../environment/isolation.ts';
import type { IsolationReport } from '../environment/isolation.ts';
import { isLanguage, LANGUAGES, loadLanguage } from '../environment/languages.ts';
import { isModule } from '../environment/definitions.ts';
import { stateDir } from '../record/anchor.ts';
import { ROOT } from './paths.ts';

/** Tries the sandbox with hostile programs (docs/sandbox.md, "The self-test") and keeps the report for this machine. */
export async function examineIsolation(languages: readonly Language[] = LANGUAGES): Promise<IsolationReport> {
  const report = await testIsolation(await Promise.all(languages.map(loadLanguage)));
  try {
    const file = reportFile(languages);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify(report), { mode: 0o600 });
  } catch {
    // Without a state folder the test runs again the next time.
  }
  return report;
}

/**
 * The report on a language for this machine and version: the kept one, else a new test. Where programs are interpreted and not
 * run (docs/environments.md), there is nothing to isolate.
 */
export async function knownIsolation(language: string): Promise<IsolationReport> {
  if (!isLanguage(language)) return { layers: [], tried: [] };
  return readReport([language]) ?? (await examineIsolation([language]));
}

/** One sentence for each layer that does not hold. */
export function isolationWarnings({ layers }: IsolationReport): readonly string[] {
  return layers
    .filter(({ holds }) => !holds)
    .map((layer) => `Sandbox: the layer ${layer.name} is missing (${layer.detail}); ${layer.consequence}`);
}

/** What is said of an environment that is a file of the user's, `hash` its SHA-256; `events`: what the run recorded so far. */
export function trustWarnings(language: string, hash: string | null, events: readonly RunEvent[]): readonly string[] {
  if (!isModule(language)) return [];
  const before = events.findLast((event) => event.type === 'start')?.environmentHash;
  return [
    `${language} is code of your own: it runs outside the sandbox, with the rights of this process.`,
    ...(before !== undefined && before !== hash
      ? [`${language} is not the file that this run began with: its tasks are judged by other rules from here on.`]
      : []),
  ];
}

function readReport(languages: readonly Language[]): IsolationReport | null {
  try {
    const report = JSON.parse(readFileSync(reportFile(languages), 'utf8')) as IsolationReport;
    return Array.isArray(report.layers) && Array.isArray(report.tried) ? report : null;
  } catch {
    return null;
  }
}

/** Another machine, kernel, Node or Kelvin is another report. */
function reportFile(languages: readonly Language[]): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const facts = [version, process.versions.node, process.platform, machine(), release(), hostname(), ...languages];
  return join(stateDir(), 'isolation', `${createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 40)}.json`);
}
