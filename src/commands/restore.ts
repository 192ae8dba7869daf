import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { RunEvent } from '../core/events.ts';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import type { RunView } from '../core/fold.ts';
import { EngineError } from '../engine/ports.ts';
import { restoreState } from '../loop/state.ts';
import type { LoopState, StoredState } from '../loop/state.ts';
import { latestCheckpoint, loadCheckpoint } from '../record/checkpoint.ts';
import type { Named } from '../record/checkpoint.ts';
import { RecordError } from '../record/port.ts';
import type { Discarded, RunJournal } from '../record/port.ts';
import { candidates, CHECKPOINTS } from '../record/retention.ts';
import { sha256 } from '../models/cache.ts';
import { resolveShipped } from './paths.ts';
import { namedIn, readEvents } from './recorded.ts';

export interface Restored {
  readonly state: LoopState | null;
  /** The checkpoint to go on from; null in a new run. */
  readonly dir: string | null;
  readonly events: readonly RunEvent[];
  readonly view: RunView;
  /** What a person must know: what was discarded, what was damaged and passed over. */
  readonly warnings: readonly string[];
}

/** The last complete step of a run folder; what came after it is discarded, and said. Throws `RecordError` when the run cannot go on. */
export function restore(journal: RunJournal, runDir: string, began: string): Restored {
  const before = readEvents(runDir);
  const recorded = before.findLast((event) => event.type === 'start')?.began ?? began;
  if (recorded !== began)
    throw new RecordError('corrupt', `run.json and journal.sqlite in ${runDir} are of different runs. Restore both from one backup.`);
  // The journal is the authority: a checkpoint that it does not name was saved just before a kill.
  const named = namedIn(before);
  const found = latestCheckpoint(runDir, named);
  const stored = found ? (found.state as StoredState) : null;
  const warnings = [...(found?.warnings ?? []), ...damagedOthers(runDir, found?.step ?? -1), ...lostEnd(runDir, named)];
  if (before.length > 0) {
    const sentence = discarded(journal.discardAfter(stored?.step ?? -1), stored?.step ?? null);
    if (sentence !== null) warnings.push(sentence);
  }
  const events = readEvents(runDir);
  return { state: stored ? restoreState(stored) : null, dir: found?.dir ?? null, events, view: events.reduce(fold, EMPTY_VIEW), warnings };
}

/** Older checkpoints that could no longer be gone back to. */
function damagedOthers(runDir: string, before: number): string[] {
  const root = join(runDir, CHECKPOINTS);
  return candidates(root)
    .filter(({ step }) => step < before)
    .flatMap(({ name }) => {
      try {
        loadCheckpoint(join(root, name));
        return [];
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        return [`${error.message} It was not needed this time.`];
      }
    });
}

/** One checkpoint beyond the journal is what a kill leaves; two mean that the journal itself has lost its end, or is an older copy. */
function lostEnd(runDir: string, named: Named): string[] {
  const newest = Math.max(-1, ...named.keys());
  const beyond = candidates(join(runDir, CHECKPOINTS)).filter(({ step }) => step > newest);
  if (beyond.length < 2) return [];
  return [
    `The journal ends at the checkpoint of step ${Math.max(0, newest)}, and there are later ones up to step ${beyond[0]!.step}: it has lost its end, or is an older copy. The run repeats what is missing.`,
  ];
}

function discarded({ events, rollouts, tasks, findings, kept }: Discarded, step: number | null): string | null {
  const parts = Object.entries({ rollouts, tasks, findings, 'other entries': events })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`);
  if (parts.length === 0 && kept === 0) return null;
  const evidence = kept > 0 ? ` ${kept} rollouts that a pause or finding names stay as evidence.` : '';
  const from = step === null ? 'Starting over: there was no checkpoint yet' : `Going on from step ${step}`;
  return `${from}. An unfinished step was discarded (${parts.join(', ') || 'nothing else'}) and is repeated.${evidence}`;
}

/** Hash of the adapter that a config names: of the file, or of the files of a PEFT folder. Null without one. */
async function adapterHashOf({ adapter }: Config): Promise<string | null> {
  if (adapter === undefined) return null;
  const path = resolveShipped(adapter);
  if (!statSync(path).isDirectory()) return await sha256(path);
  const files = readdirSync(path).filter((name) => name.startsWith('adapter_')).sort(); // prettier-ignore
  const hashes = await Promise.all(files.map((name) => sha256(join(path, name))));
  return createHash('sha256').update(hashes.join('\n')).digest('hex');
}

/** As `adapterHashOf`. Throws `EngineError('corrupt')` when the file is no longer the one that the run began with. */
export async function knownAdapter(config: Config, events: readonly RunEvent[]): Promise<string | null> {
  const hash = await adapterHashOf(config);
  const before = events.findLast((event) => event.type === 'start');
  const same = (before?.config as Partial<Config> | undefined)?.adapter === config.adapter;
  if (hash !== null && same && before?.adapterHash != null && before.adapterHash !== hash)
    throw new EngineError(
      'corrupt',
      `${String(config.adapter)} is no longer the adapter that this run began with: its contents have changed. Put the old file back, or start a new run.`,
    );
  return hash;
}
