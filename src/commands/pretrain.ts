import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { PretrainProgress } from '../pretrain/pretrain.ts';
import { EXIT, UsageError } from './exits.ts';
import { resolveShipped } from './paths.ts';

export interface PretrainCommandOptions {
  /** Recipe: a file such as configs/pretrain/nano.json. */
  readonly config: string;
  /** GGUF file to write. */
  readonly out: string;
  readonly seed?: number | undefined;
  readonly tokens?: number | undefined;
  readonly minutes?: number | undefined;
  readonly threads?: number | undefined;
  readonly trainer?: 'ggml' | 'torch' | undefined;
  /** Unfinished model of the same recipe to go on from. */
  readonly from?: string | undefined;
  readonly json: boolean;
}

const EVERY_SECONDS = 10;
const CHECKPOINT_MINUTES = 5;

/** `kelvin pretrain`: trains a small model from random weights on programs that its own generator writes. */
export async function pretrainCommand(options: PretrainCommandOptions): Promise<number> {
  const out = resolve(options.out);
  try {
    accessSync(dirname(out), constants.W_OK);
  } catch {
    throw new UsageError(`The model cannot be written to ${options.out}: its folder is missing or not writable. Give another --out.`);
  }
  const { readPretrainConfig } = await import('../pretrain/config.ts');
  const { pretrain } = await import('../pretrain/pretrain.ts');
  const config = usage(() => readPretrainConfig(resolveShipped(options.config)));
  let code: number = EXIT.ok;
  const abort = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    abort.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  let shown = -EVERY_SECONDS;
  try {
    const result = await pretrain({
      config,
      out,
      seed: options.seed ?? 1,
      threads: options.threads ?? Math.min(2, availableParallelism()),
      trainer: options.trainer,
      tokens: options.tokens,
      minutes: options.minutes,
      from: options.from,
      checkpointMinutes: CHECKPOINT_MINUTES,
      signal: abort.signal,
      onProgress(progress) {
        if (progress.progress < 1 && progress.seconds - shown < EVERY_SECONDS) return;
        shown = progress.seconds;
        process.stdout.write(`${options.json ? JSON.stringify(event(progress)) : line(progress)}\n`);
      },
    });
    const { smoothLoss, tokens, seconds, parameters, stopped } = result;
    if (options.json) process.stdout.write(`${JSON.stringify({ ...event(result), type: 'end', parameters, stopped, out })}\n`);
    else
      process.stdout.write(
        `${stopped ? 'Stopped early' : 'Done'}: ${(parameters / 1e6).toFixed(2)} M parameters, ${tokens} tokens in ${(seconds / 60).toFixed(1)} minutes, loss ${smoothLoss.toFixed(3)}. Written to ${options.out}\n`,
      );
    return code;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function usage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

const event = ({ step, tokens, seconds, progress, loss, smoothLoss, thinkShare, rate }: PretrainProgress) => ({
  type: 'step',
  step,
  metrics: {
    'pretrain/progress': progress,
    'pretrain/tokens': tokens,
    'pretrain/loss': loss,
    'pretrain/smooth_loss': smoothLoss,
    'pretrain/think_share': thinkShare,
    'pretrain/rate': rate,
    'time/seconds': seconds,
    'throughput/tokens_per_second': tokens / seconds,
  },
});

const line = (p: PretrainProgress): string =>
  `step ${p.step}  ${(100 * p.progress).toFixed(1)} %  ${p.tokens} tokens  loss ${p.loss.toFixed(3)} (smooth ${p.smoothLoss.toFixed(3)})  ${Math.round(p.tokens / p.seconds)} tokens/s`;
