import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { parseConfig } from '../config.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { DRILL_THOUGHT } from '../../safety/drill.ts';
import { EXIT } from './exits.ts';
import { examineIsolation } from './isolation.ts';
import { openEngine, openEnvironment } from './open.ts';
import { resolveShipped } from './paths.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Something is missing that the rest works without; what that means. */
  readonly warning?: string;
}

/** Layers without which model-written programs must not run at all; the others are a second wall. */
const FIRST_WALL: ReadonlySet<string> = new Set(['memory', 'gate', 'limits']);

/**
 * `kelvin doctor`: tries every part on this machine, the sandbox with hostile programs (docs/sandbox.md, "The self-test");
 * a part that fails is named with its consequence. Exit code 7 when one fails; a missing second wall is a warning.
 */
export async function doctorCommand(options: { readonly json: boolean }): Promise<number> {
  const checks: Check[] = [];
  const attempt = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await work() });
    } catch (error) {
      checks.push({ name, ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  const config = parseConfig({});
  await attempt('runtime', () => `Node ${process.versions.node} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`);
  await attempt('memory', () => `${gb(freemem())} of ${gb(totalmem())} free`);
  await attempt('disk', () => {
    const { bavail, bsize } = statfsSync('.');
    if (bavail * bsize < 200e6) throw new Error('Less than 200 MB free in the working folder: a run would pause for lack of space.');
    return `${gb(bavail * bsize)} free in the working folder`;
  });
  await attempt('bundled model', () => {
    const file = resolveShipped(config.model);
    if (!existsSync(file)) throw new Error(`${file} is missing; restore it from the repository.`);
    return file;
  });
  await attempt('engine', async () => {
    await using engine = await openEngine(config, true);
    const prompt = engine.tokenize('### solve deduction\nprogram: function f(n){return n+1}\ninput: 3\n');
    const [[sequence] = []] = await engine.sample([{ prompt, n: 1, maxTokens: 60, temperature: 0, seed: 1 }]);
    return `${engine.info.backend}, ${(engine.info.parameters / 1e6).toFixed(2)} M parameters; asked for f(3) = 3 + 1 it says ${engine.detokenize(sequence?.tokens ?? [])}`;
  });
  await attempt('sandbox', async () => {
    const { layers, tried } = await examineIsolation();
    for (const { name, holds, detail, consequence } of layers)
      checks.push({
        name: `layer ${name}`,
        ok: holds,
        detail: holds ? detail : `${detail}: ${consequence}`,
        ...(holds || FIRST_WALL.has(name) ? {} : { warning: consequence }),
      });
    const escaped = tried.filter(({ programs, held }) => held < programs);
    const counts = tried.map(({ language, programs, held }) => `${held} of ${programs} hostile ${language} programs held`).join(', ');
    if (escaped.length > 0) throw new Error(`${counts}: do not train on this machine.`);
    return counts;
  });
  await attempt('programs', async () => {
    await using environment = await openEnvironment(config);
    const good = await environment.execute('function f(a){return a.map(x=>x*2)}', '[1,2]');
    if (good.verdict !== 'ok' || good.output !== '[2,4]') throw new Error(`A harmless program gave ${JSON.stringify(good)}.`);
    return 'a harmless program gives the right answer';
  });
  await attempt('monitor', () => {
    const monitor = createMonitor();
    const { severity } = monitor.scan({ id: 'doctor', thought: DRILL_THOUGHT });
    if (severity !== 4) throw new Error(`The drill thought got severity ${severity}: do not train before this is mended.`);
    return `${monitor.version}; tiers ${monitor.tiers.join(', ')}; catches the drill thought`;
  });
  for (const check of checks)
    process.stdout.write(options.json ? `${JSON.stringify(check)}\n` : `${markOf(check)} ${check.name.padEnd(16)} ${check.detail}\n`);
  return checks.every(({ ok, warning }) => ok || warning !== undefined) ? EXIT.ok : EXIT.failed;
}

const markOf = ({ ok, warning }: Check): string => (ok ? 'ok  ' : warning === undefined ? 'FAIL' : 'WARN');

const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
