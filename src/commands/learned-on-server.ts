import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { readAdapter } from '../engine/ggml/adapter.ts';
import { readGguf } from '../engine/ggml/gguf.ts';
import { shapeOf } from '../engine/ggml/shape.ts';
import type { Trained } from '../engine/ggml/state.ts';
import { EngineError } from '../engine/ports.ts';
import { downloadAdapter } from '../engine/tinker/engine.ts';
import { readState } from '../engine/tinker/state.ts';
import { sha256 } from '../models/cache.ts';
import { modelFile } from './model-file.ts';
import { connectTinker } from './open-tinker.ts';

/**
 * What a run on a server has learned: the adapter of its newest checkpoint, fetched from the server, for the GGUF of the same
 * base model that `engine.tinker.gguf` names.
 */
export async function learnedOnServer(
  config: Config,
  engineFolder: string,
): Promise<{ readonly model: string; readonly trained: Trained }> {
  const { sampler } = readState(engineFolder);
  const { gguf } = config.engine.tinker;
  if (gguf === '')
    throw new EngineError(
      'missing',
      `What this run learned lies on the server, and using it here needs a GGUF of ${config.model}. Name one in engine.tinker.gguf of the run's config.json.`,
    );
  const model = await modelFile(gguf);
  const client = await connectTinker(config);
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-'));
  try {
    await downloadAdapter(client, sampler, folder, 'peft', gguf);
    const { rank, alpha, values } = readAdapter(folder, shapeOf(readGguf(model)));
    return { model, trained: { mode: 'lora', lora: { rank, alpha }, modelHash: await sha256(model), values } };
  } finally {
    client.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
