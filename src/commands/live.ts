import type { LiveMessage, Phase, SandboxStats } from '../core/events.ts';
import type { RunView } from '../core/fold.ts';
import type { Observer } from '../loop/context.ts';

const INTERVAL_MS = 100;
const STATS_TICKS = 20;

/** Turns what the loop lets one observe into messages for whoever watches, sampled at 10 Hz; costs nothing when nobody does. */
export function createLive(
  broadcast: (message: LiveMessage) => void,
  view: () => RunView,
  alert: () => string | null = () => null,
  sandbox: () => SandboxStats | undefined = () => undefined,
): { readonly observer: Observer; close(): void } {
  let phase: { name: Phase; done: number; total: number } | null = null;
  let thought: (() => LiveMessage) | null = null;
  let counts = { generated: 0, read: 0 };
  let speed = { tokens: 0, since: performance.now(), perSecond: 0 };

  let stats: SandboxStats | undefined;
  let ticks = 0;

  const tick = (): void => {
    const { state, step } = view();
    const now = performance.now();
    if (now - speed.since > 2000) speed = { tokens: 0, since: now, perSecond: (speed.tokens * 1000) / (now - speed.since) };
    // Sorting the latest times ten times a second would be work for nobody.
    if (ticks++ % STATS_TICKS === 0) stats = sandbox();
    broadcast({
      type: 'status',
      state,
      step,
      phase: phase?.name ?? null,
      done: phase?.done ?? 0,
      total: phase?.total ?? 0,
      tokensPerSecond: speed.perSecond,
      read: counts.read,
      generated: counts.generated,
      rssMb: process.memoryUsage.rss() / 1e6,
      alert: alert(),
      ...(stats ? { sandbox: stats } : {}),
    });
    if (thought) broadcast(thought());
    thought = null;
  };
  const timer = setInterval(tick, INTERVAL_MS);
  timer.unref();
  return {
    observer: {
      phase: (name, done, total) => (phase = { name, done, total }),
      tokens: (key, role, taskType, text) => (thought = () => ({ type: 'live', key, role, taskType, text: text() })),
      progress: ({ generated, read, tokens }) => {
        counts = read > 0 ? { generated, read } : counts;
        if (read === 0) speed.tokens += tokens;
      },
    },
    close: () => clearInterval(timer),
  };
}
