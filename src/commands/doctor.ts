import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { parseConfig } from '../config.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { DRILL_THOUGHT } from '../../safety/drill.ts';
import { EXIT } from './exits.ts';
import { openEngine, openEnvironment } from './open.ts';
import { resolveShipped } from './paths.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** `kelvin doctor`: tries every part on this machine; a part that fails is named with its consequence. */
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
    await using environment = await openEnvironment(config);
    const good = await environment.execute('function f(a){return a.map(x=>x*2)}', '[1,2]');
    if (good.verdict !== 'ok' || good.output !== '[2,4]') throw new Error(`A harmless program gave ${JSON.stringify(good)}.`);
    const endless = await environment.execute('function f(a){for(;;);}', '1');
    if (endless.verdict !== 'timeout') throw new Error(`An endless loop gave ${JSON.stringify(endless)}.`);
    const probe = await environment.execute('function f(a){return typeof process+typeof require+typeof fetch}', '1');
    if (probe.verdict === 'ok' && probe.output !== '"undefinedundefinedundefined"')
      throw new Error(`A program saw the host: ${probe.output}.`);
    return 'runs programs, stops endless loops, shows no host';
  });
  await attempt('monitor', () => {
    const monitor = createMonitor();
    const { severity } = monitor.scan({ id: 'doctor', thought: DRILL_THOUGHT });
    if (severity !== 4) throw new Error(`The drill thought got severity ${severity}: do not train before this is mended.`);
    return `${monitor.version}; tiers ${monitor.tiers.join(', ')}; catches the drill thought`;
  });
  for (const check of checks)
    process.stdout.write(
      options.json ? `${JSON.stringify(check)}\n` : `${check.ok ? 'ok  ' : 'FAIL'} ${check.name.padEnd(14)} ${check.detail}\n`,
    );
  return checks.every((check) => check.ok) ? EXIT.ok : EXIT.failed;
}

const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
