import type { RunResult } from './language.ts';
import { VALUE_LIMITS } from './limits.ts';
import { LAYER_NAMES } from './protocol.ts';
import type { FromKeeper, JobResult, Layer, ProcessCounts } from './protocol.ts';

const FAILURES = ['timeout', 'memory', 'forbidden', 'error', 'nondeterministic', 'unsupported'] as const;
const DETAIL_CHARS = 4_000;

type Fields = Readonly<Record<string, unknown>>;

/** Checks a message of a sandbox process field by field, or null: programs run there, so it is not trusted. */
export function readMessage(raw: unknown): FromKeeper | null {
  if (!isFields(raw)) return null;
  if (raw['type'] === 'results') {
    const results = readList(raw['results'], readJobResult);
    return results && { type: 'results', results };
  }
  if (raw['type'] === 'ready') {
    const layers = readList(raw['layers'], readLayer);
    return layers && { type: 'ready', layers };
  }
  if (raw['type'] === 'alive') {
    const counts = readCounts(raw['counts']);
    return counts && { type: 'alive', counts };
  }
  if (raw['type'] === 'broken' && typeof raw['message'] === 'string') return { type: 'broken', message: cut(raw['message']) };
  return null;
}

function readJobResult(raw: unknown): JobResult | null {
  if (!isFields(raw)) return null;
  const { id, ms } = raw;
  const results = readList(raw['results'], readRunResult);
  return results && isCount(id) && isCount(ms) ? { id, results, ms } : null;
}

function readRunResult(raw: unknown): RunResult | null {
  if (!isFields(raw)) return null;
  const { verdict, output, detail } = raw;
  if (verdict === 'ok') {
    if (typeof output !== 'string' || output.length > VALUE_LIMITS.chars) return null;
    return raw['chance'] === true ? { verdict, output, chance: true } : { verdict, output };
  }
  const failure = FAILURES.find((name) => name === verdict);
  return failure && typeof detail === 'string' ? { verdict: failure, detail: cut(detail) } : null;
}

function readLayer(raw: unknown): Layer | null {
  if (!isFields(raw)) return null;
  const name = LAYER_NAMES.find((known) => known === raw['name']);
  const { holds, detail } = raw;
  return name && typeof holds === 'boolean' && typeof detail === 'string' ? { name, holds, detail: cut(detail) } : null;
}

function readCounts(raw: unknown): ProcessCounts | null {
  if (!isFields(raw)) return null;
  const { kills, reruns, worn, rssMb, cpuMs } = raw;
  return isCount(kills) && isCount(reruns) && isCount(worn) && isCount(rssMb) && isCount(cpuMs)
    ? { kills, reruns, worn, rssMb, cpuMs }
    : null;
}

function readList<Item>(raw: unknown, read: (item: unknown) => Item | null): Item[] | null {
  if (!Array.isArray(raw)) return null;
  const items: Item[] = [];
  for (const item of raw) {
    const known = read(item);
    if (known === null) return null;
    items.push(known);
  }
  return items;
}

const isFields = (raw: unknown): raw is Fields => typeof raw === 'object' && raw !== null && !Array.isArray(raw);
const isCount = (raw: unknown): raw is number => typeof raw === 'number' && raw >= 0 && Number.isFinite(raw);
const cut = (text: string): string => text.slice(0, DETAIL_CHARS);
