import { createHash } from 'node:crypto';
import { parseConfig } from '../../config.ts';
import type { Config } from '../../config.ts';
import { byEngine } from '../../eval/benchmarks/asking.ts';
import type { Respondent } from '../../eval/benchmarks/respondent.ts';
import { byServer } from '../../eval/benchmarks/served.ts';
import type { Closing } from '../closing.ts';
import { subjectOf } from './subject.ts';
import type { Subject } from './subject.ts';
import type { SuiteOptions } from './suite.ts';
import { UsageError } from '../exits.ts';
import { openEngine } from '../open.ts';

/** Who answers a benchmark's questions, and under what its answers are kept. */
export interface Answering {
  readonly respondent: Respondent;
  readonly label: string;
  /** Of a model on a server the hash of address and name: what it serves under them can change unseen. */
  readonly modelHash: string;
  readonly adapterHash: string | null;
  readonly template: Config['template'];
  /** Tokens of question and answer together; 0 where the server decides. */
  readonly context: number;
  readonly run: Subject['run'];
}

/** Sequences decoded side by side: each takes the memory of a context. */
const PARALLEL = 8;
const KEY = 'KELVIN_SERVER_API_KEY';

export async function answeringOf(options: SuiteOptions, stack: Closing): Promise<Answering> {
  if (options.server !== undefined) return served(options.server, options);
  const subject = await subjectOf(options.target, options.adapter, stack);
  const engine = stack.use(options.engine ?? (await openEngine(configOf(subject, options), true)));
  return {
    respondent: byEngine(engine),
    label: subject.label,
    modelHash: engine.info.modelHash,
    adapterHash: subject.adapterHash,
    template: options.template ?? subject.template,
    context: engine.info.contextLength,
    run: subject.run,
  };
}

function served(server: string, { target: model, template = 'chat', parallel = PARALLEL }: SuiteOptions): Answering {
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new UsageError(`--server ${server} is no address. Give it up to and with the version, for instance http://127.0.0.1:8000/v1.`);
  const { host, username, password } = new URL(server);
  if (username !== '' || password !== '') throw new UsageError(`--server holds a password. Put the key into ${KEY} instead.`);
  const url = server.replace(/\/+$/, '');
  return {
    respondent: byServer({ url, model, apiKey: process.env[KEY] }, parallel),
    label: `${model} @ ${host}`,
    modelHash: createHash('sha256')
      .update(JSON.stringify([url, model]))
      .digest('hex'),
    adapterHash: null,
    template: template === 'base' ? 'base' : 'chat',
    context: 0,
    run: null,
  };
}

function configOf(subject: Subject, { seed, threads, context }: SuiteOptions): Config {
  return parseConfig({
    model: subject.model,
    ...(subject.adapter === undefined ? {} : { adapter: subject.adapter }),
    seed,
    engine: {
      threads,
      contextLength: context,
      parallel: PARALLEL,
      mode: subject.adapter === undefined ? 'full' : 'lora',
      lora: subject.lora,
    },
  });
}
