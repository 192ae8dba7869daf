import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Config } from '../../config.ts';
import type { RunEvent } from '../../core/events.ts';
import { inline, jsonLine } from '../../core/inert.ts';
import { openPythonEnvironment } from '../../environment/python.ts';
import type { Environment } from '../../environment/port.ts';
import type { JudgeParts } from '../../eval/benchmarks/judge.ts';
import { MathJudge } from '../../eval/benchmarks/math/judge.ts';
import { runBenchmark, summarise } from '../../eval/benchmarks/run.ts';
import type { Answer, Settings } from '../../eval/benchmarks/run.ts';
import { BENCHMARK_LIMITS, BENCHMARK_SANDBOX } from '../../eval/benchmarks/sandbox.ts';
import { suiteFiles } from '../../eval/benchmarks/source.ts';
import { AnswerStore, folderOf } from '../../eval/benchmarks/store.ts';
import type { Identity, Outcome } from '../../eval/benchmarks/store.ts';
import { loadSuite, suiteNamed } from '../../eval/benchmarks/suites/index.ts';
import type { LoadedSuite } from '../../eval/benchmarks/suites/index.ts';
import type { Respondent } from '../../eval/benchmarks/respondent.ts';
import type { Engine } from '../../engine/ports.ts';
import { isAlive } from '../../record/folder.ts';
import { openJournal } from '../../record/journal.ts';
import { acquireLock } from '../../record/lock.ts';
import { Closing } from '../closing.ts';
import { answeringOf } from './answering.ts';
import type { Subject } from './subject.ts';
import { EXIT, UsageError } from '../exits.ts';
import { fetchDisplay, fetchJson } from '../fetch-display.ts';

export interface SuiteOptions {
  readonly target: string;
  readonly adapter?: string | undefined;
  /** An OpenAI-compatible server that has the target; up to and with the version. */
  readonly server?: string | undefined;
  /** Requests to the server under way at a time. */
  readonly parallel?: number | undefined;
  /** `NAME` or `NAME=PATH`. */
  readonly suites: readonly string[];
  readonly samples: number;
  /** Absent: 0 for one sample, 0.8 for several. */
  readonly temperature?: number | undefined;
  readonly k?: readonly number[] | undefined;
  /** Only the first problems. */
  readonly tasks?: number | undefined;
  readonly maxTokens: number;
  readonly context: number;
  readonly template?: Config['template'] | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly json: boolean;
  /** For tests: another model than the subject's. */
  readonly engine?: Engine | undefined;
}

interface Loaded extends LoadedSuite {
  readonly hash: string;
}

/** `kelvin eval RUN|MODEL --suite NAME[=PATH]`: published benchmarks. Answers are kept; the same command again goes on. */
export async function evalSuites(options: SuiteOptions): Promise<number> {
  const ks = ksOf(options);
  const suites: Loaded[] = [];
  // A wrong file is refused before a model is loaded.
  for (const named of options.suites) suites.push(await load(named, options));
  await using stack = new Closing();
  const answering = await answeringOf(options, stack);
  const settings: Settings = {
    samples: options.samples,
    temperature: options.temperature ?? (options.samples === 1 ? 0 : 0.8),
    maxTokens: options.maxTokens,
    seed: options.seed,
    template: answering.template,
  };
  if (settings.samples > 1 && settings.temperature === 0)
    throw new UsageError('At temperature 0 every sample is the same. Give --temperature with --samples, or leave both out.');
  const mathematics = stack.use(new MathJudge());
  let opening: Promise<Environment> | null = null;
  const python = (): Promise<Environment> => (opening ??= openPython(stack));

  const stop = new AbortController();
  const onSignal = (): void => (stop.signal.aborted ? process.exit(EXIT.interrupted) : stop.abort());
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  stack.defer(() => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal));

  for (const loaded of suites) {
    const identity: Identity = {
      suite: loaded.suite.name,
      suiteHash: loaded.hash,
      modelHash: answering.modelHash,
      adapterHash: answering.adapterHash,
      settings: { temperature: settings.temperature, maxTokens: settings.maxTokens, seed: settings.seed, template: settings.template },
      context: answering.context,
    };
    const parts = { respondent: answering.respondent, python, mathematics };
    const measured = await measure(loaded, identity, settings, parts, stop.signal, options.json, (answers) => ({
      ...identity,
      label: answering.label,
      samples: settings.samples,
      problems: loaded.problems.length,
      of: loaded.complete ? loaded.problems.length : null,
      metrics: summarise(answers, ks),
      at: Date.now(),
    }));
    if (measured === null) return EXIT.interrupted;
    const { outcome, answers } = measured;
    const recorded = answering.run === null ? null : record(answering.run, outcome);
    report(outcome, loaded, answers, recorded, options.json);
  }
  return EXIT.ok;
}

async function openPython(stack: Closing): Promise<Environment> {
  const workers = Math.min(2, availableParallelism());
  return stack.use(await openPythonEnvironment(BENCHMARK_LIMITS, { ...BENCHMARK_SANDBOX, workers }));
}

function ksOf({ samples, k }: SuiteOptions): readonly number[] {
  if (!Number.isInteger(samples) || samples < 1) throw new UsageError('--samples takes a number of at least 1.');
  const ks = k ?? (samples === 1 ? [1] : [1, samples]);
  const bad = ks.find((value) => !Number.isInteger(value) || value < 1 || value > samples);
  if (bad !== undefined)
    throw new UsageError(
      `--k ${bad} needs at least ${Math.max(1, Math.ceil(bad) || 1)} samples, and there are ${samples}. Give --samples with it.`,
    );
  return [...new Set(ks)].sort((a, b) => a - b);
}

async function load(named: string, { tasks, json }: SuiteOptions): Promise<Loaded> {
  const [name = '', ...rest] = named.split('=');
  const suite = suiteNamed(name);
  const { files, hash } = await suiteFiles(suite, rest.length > 0 ? rest.join('=') : null, json ? fetchJson() : fetchDisplay('stderr'));
  return { ...(await loadSuite(suite, files, tasks)), hash };
}

interface Measured {
  readonly answers: readonly Answer[];
  readonly outcome: Outcome;
}

/** Null when it was broken off: what was judged stays. */
async function measure(
  { suite, problems }: Loaded,
  identity: Identity,
  settings: Settings,
  parts: JudgeParts & { readonly respondent: Respondent },
  signal: AbortSignal,
  json: boolean,
  outcomeOf: (answers: readonly Answer[]) => Outcome,
): Promise<Measured | null> {
  const folder = folderOf(identity);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using lock = acquireLock(folder);
  using store = new AnswerStore(identity);
  try {
    const total = problems.length * settings.samples;
    const wanted = new Set(problems.map(({ id }) => id));
    const known = store.known.filter(({ problem, sample }) => wanted.has(problem) && sample < settings.samples);
    const progress = createProgress(suite.title, total, known, json);
    const answers = await runBenchmark({
      ...parts,
      problems,
      settings,
      known,
      signal,
      onAnswer: (found) => {
        lock.check();
        store.add(found);
        progress(found);
      },
    });
    const outcome = outcomeOf(answers);
    store.finish(outcome);
    return { answers, outcome };
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write(`\n${suite.title} was broken off. What was answered is kept; the same command goes on from there.\n`);
    return null;
  }
}

/** In a terminal one line that counts, else a line for every tenth. */
function createProgress(title: string, total: number, known: readonly Answer[], json: boolean): (answer: Answer) => void {
  let [done, correct] = [known.length, known.filter((answer) => answer.correct).length];
  if (!json && done > 0 && done < total) process.stderr.write(`${title}: ${done} of ${total} answers are there already.\n`);
  let tenth = Math.floor((10 * done) / total);
  return ({ correct: isRight }) => {
    done++;
    if (isRight) correct++;
    if (json) return;
    const line = `${title}: ${done} of ${total} answers, ${correct} right`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}${done === total ? '\n' : ''}`);
    else if (Math.floor((10 * done) / total) !== tenth) process.stderr.write(`${line}\n`);
    tenth = Math.floor((10 * done) / total);
  };
}

/** Writes the outcome into the run's journal; the reason why not, or null. */
function record({ dir, step }: NonNullable<Subject['run']>, outcome: Outcome): string | null {
  if (isAlive(dir)) return 'the run is live: its journal takes the result when the same command runs after its end';
  const { suite, suiteHash, modelHash, adapterHash, problems, of, samples, context, metrics } = outcome;
  const { temperature, maxTokens, seed } = outcome.settings;
  using _lock = acquireLock(dir);
  using journal = openJournal(dir);
  const event: RunEvent = {
    type: 'benchmark',
    step,
    suite,
    suiteHash,
    modelHash,
    adapterHash,
    problems,
    of,
    samples,
    temperature,
    maxTokens,
    context,
    seed,
    metrics,
  };
  journal.append([event]);
  return null;
}

function report(outcome: Outcome, { suite, leftOut }: Loaded, answers: readonly Answer[], unrecorded: string | null, json: boolean): void {
  if (json) {
    process.stdout.write(`${jsonLine({ type: 'benchmark', ...outcome })}\n`);
    return;
  }
  const { metrics, samples, settings, problems, of } = outcome;
  const passed = Object.entries(metrics)
    .filter(([name]) => name.startsWith('pass@'))
    .map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`);
  const right = answers.filter(({ correct }) => correct).length;
  const how = settings.temperature === 0 ? 'greedy' : `${samples} samples at temperature ${settings.temperature}`;
  const lines = [
    `${suite.title}: ${passed.join(', ')} | ${right} of ${answers.length} answers right, ${problems} problems${of === null ? ' (the first of the suite)' : ''}, ${how}`,
    `  mean length ${(metrics['length'] ?? 0).toFixed(0)} tokens, ${(100 * (metrics['cut'] ?? 0)).toFixed(1)} % cut at the limit${leftOut > 0 ? `; ${leftOut} rows of the file belong to another split` : ''}`,
    ...(unrecorded === null ? [] : [`  ${unrecorded}`]),
  ];
  process.stdout.write(`${lines.map((line) => inline(line)).join('\n')}\n`);
}
