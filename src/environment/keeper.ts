import { Crew } from './crew.ts';
import { probeLayers } from './layers.ts';
import type { FromKeeper, ToKeeper } from './protocol.ts';
import { loadRuntime } from './runtimes.ts';

/**
 * Entry of a sandbox process, started without privileges (confine.ts). Its main thread never runs a program: it watches
 * the workers that do, so that it always answers. It ends with its channel, whatever happens to the application.
 */
const ALIVE_MS = 1_000;

let crew: Crew | null = null;

const send = (message: FromKeeper): void => {
  if (process.connected) process.send?.(message);
};

function broken(error: unknown): void {
  send({ type: 'broken', message: error instanceof Error ? error.message : String(error) });
}

async function open({ language, limits, workers, setup }: Extract<ToKeeper, { type: 'open' }>): Promise<void> {
  const layers = await probeLayers();
  const shared = await (await loadRuntime(language)).share(limits, setup);
  crew = new Crew({ language, limits, shared }, workers, {
    onReady: () => send({ type: 'ready', layers }),
    onResults: (results) => send({ type: 'results', results }),
    onBroken: broken,
  });
  setInterval(() => {
    if (crew === null) return;
    const { user, system } = process.cpuUsage();
    const rssMb = Math.round(process.memoryUsage.rss() / 1_048_576);
    send({ type: 'alive', counts: { ...crew.counts, rssMb, cpuMs: (user + system) / 1_000 } });
  }, ALIVE_MS);
}

process.on('message', (message: ToKeeper) => {
  if (message.type === 'open') open(message).catch(broken);
  else crew?.add(message.jobs);
});
process.on('disconnect', () => process.exit(0));
