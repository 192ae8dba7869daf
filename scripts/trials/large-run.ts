/**
 * `npm run large-run [-- --rollouts 1000000 --dir FOLDER]`: writes a run of that many rollouts as a run process would, then opens it as
 * the app does and prints how long the list and each filter take to show. With `--dir` the run stays there; `kelvin open` shows it.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RolloutRecord, RunEvent } from '../../src/core/events.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import type { EngineInfo, Task } from '../../src/core/types.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal, openJournalReader } from '../../src/record/journal.ts';
import { isFilling, Pages } from '../../ui/pages.ts';
import { Feed } from '../../ui/feed.ts';
import { createAppStore, EMPTY_PAGE, NO_FILTER } from '../../ui/store.ts';
import type { ThoughtFilter } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';
import { option, workplace } from './trial.ts';

const PER_STEP = 1000;
const WORDS =
  'the input goes through each step of program first we double it then add three and reverse what is left so that last item comes to front check whether zero or negative values change anything before giving an answer count even numbers keep largest split string join letters upper case'.split(
    ' ',
  );
const INFO: EngineInfo = {
  backend: 'scripted', model: 'none', modelHash: '00', architecture: 'none', parameters: 870_000, trainable: 870_000,
  contextLength: 512, vocabularySize: 512, eosToken: 0, dialect: 'nano', mode: 'full',
}; // prettier-ignore

let state = 1;
const draw = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

function rollout(n: number, step: number): RolloutRecord {
  const taskType = TASK_TYPES[n % 3]!;
  const role = n % 2 === 0 ? 'propose' : 'solve';
  const flagged = n % 5003 === 0;
  const words = Array.from({ length: 12 + draw(30) }, () => WORDS[draw(WORDS.length)]!);
  if (flagged) words.splice(draw(words.length), 0, 'outsmart all these groups of people');
  const thought = `${words.join(' ')} ${draw(100_000)}.`;
  const answer = String(draw(1000));
  const program = role === 'propose' ? `function f(a){return a+${draw(50)}}` : null;
  const outcome = n % 7 === 0 ? 'wrong' : n % 31 === 0 ? 'malformed' : 'passable';
  const tokens = Array.from({ length: 40 }, () => draw(512));
  return {
    rollout: {
      id: `r${n}`, step, role, taskType, taskId: role === 'solve' ? `t${step}-${n % 3}` : null,
      prompt: `### ${role} ${taskType}\nfunction f(a){return a+${draw(50)}}\n`, completion: `<think>${thought}</think><answer>${answer}</answer>`,
      thought, answer, program, promptTokens: tokens.slice(0, 20), tokens, logprobs: tokens.map((token) => -token / 512), stopReason: 'stop', policyVersion: step,
    },
    outcome, reward: outcome === 'passable' ? 1 : -0.5, detail: outcome === 'passable' ? 'right' : `expected ${draw(9)}, got ${answer}`, severity: flagged ? 3 : 0, advantage: 0.1,
  }; // prettier-ignore
}

const task = (step: number, index: number): Task => ({
  id: `t${step}-${index}`, step, type: 'deduction', program: `function f(a){return a+${draw(50)}}`, parents: step > 1 ? [`t${step - 1}-${index}`] : [], input: '1', output: '2',
}); // prettier-ignore

function eventsOf(step: number, from: number, to: number): RunEvent[] {
  const rollouts = Array.from({ length: to - from }, (_, index) => rollout(from + index, step));
  const findings = rollouts
    .filter(({ severity }) => severity > 0)
    .map(({ rollout: { id, thought } }): RunEvent => {
      const start = thought.indexOf('outsmart');
      return {
      type: 'finding', step, rolloutId: id, index: 0,
      finding: { category: 'hostility', severity: 3, detector: 'rules/hostility@1', where: 'thought', start, end: start + 8, quote: 'outsmart', why: 'It states an intent against people.' },
    }; // prettier-ignore
    });
  const share = Math.min(0.95, 0.3 + step / 2000 + 0.1 * Math.sin(step / 9));
  const metrics = Object.fromEntries(
    TASK_TYPES.flatMap((type) => [[`accuracy/solve/${type}`, share], [`reward/solve/${type}`, share - 0.3], [`length/solve/${type}`, 30 + 9 * share]]), // prettier-ignore
  );
  return [
    { type: 'rollouts', step, rollouts },
    { type: 'tasks', step, tasks: [0, 1, 2].map((index) => task(step, index)) },
    ...findings,
    { type: 'step', step, metrics },
  ];
}

function write(dir: string, count: number): void {
  const began = performance.now();
  using journal = openJournal(dir);
  const steps = Math.ceil(count / PER_STEP);
  journal.append([
    { type: 'start', step: 0, config: { steps }, info: INFO, monitor: 'on', tiers: ['rules'], resumed: false, versions: {} },
  ]);
  for (let step = 1; step <= steps; step++) {
    journal.append(eventsOf(step, (step - 1) * PER_STEP, Math.min(count, step * PER_STEP)));
    if (step % 100 === 0) process.stdout.write(`${step * PER_STEP} rollouts, ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
  }
  journal.append([{ type: 'end', step: steps, cause: 'finished', summary: {} }]);
}

/** Milliseconds until the app has the list, and then for each filter until it shows hits and until the search is over. */
function measure(dir: string): void {
  const began = performance.now();
  using reader = openJournalReader(dir);
  const store = createAppStore(detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm' }, 'linux'), { columns: 120, rows: 40 }, 'large', 0);
  const pages = new Pages(store, reader);
  const nothing = (): void => undefined;
  const feed = new Feed({ store, reader, now: () => 0, onAlert: nothing, onData: () => pages.invalidate() });
  feed.tick();
  const first = performance.now() - began;
  while (!store.getState().loaded) feed.tick();
  const cpu = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const show = (name: string, filter: ThoughtFilter): void => {
    const { thoughts } = store.getState();
    const [from, used] = [performance.now(), cpu()];
    store.setState({ screen: 'thoughts', thoughts: { ...thoughts, mode: 'past', filter, index: 0, page: EMPTY_PAGE } });
    let shown: readonly [number, number] | null = null;
    let longest = 0;
    do {
      const began = performance.now();
      pages.refresh(shown === null && filter === NO_FILTER);
      longest = Math.max(longest, performance.now() - began);
      const { rows, count, searched } = store.getState().thoughts.page;
      if (shown === null && rows.length >= Math.min(8, count) && (count > 0 || searched === 1)) shown = [performance.now() - from, cpu() - used]; // prettier-ignore
    } while (isFilling(store.getState().thoughts.page));
    const cells = [...(shown ?? [NaN, NaN]), performance.now() - from, longest].map((ms) => ms.toFixed(0).padStart(9));
    process.stdout.write(`${name.padEnd(46)} ${cells.join(' ')}   ${store.getState().thoughts.page.count}\n`);
  };
  process.stdout.write(`first state ${first.toFixed(0)} ms, all folded ${(performance.now() - began).toFixed(0)} ms\n`);
  process.stdout.write(`${'milliseconds'.padEnd(46)}     shown   its CPU  complete   longest   hits\n`);
  show('no filter', NO_FILTER);
  const filters: [string, Partial<ThoughtFilter>][] = [
    ['a word of every thought: "the"', { text: 'the' }],
    ['a word of many: "reverse what"', { text: 'reverse what' }],
    ['a rare phrase: "outsmart all"', { text: 'outsmart all' }],
    ['one number: "73113"', { text: '73113' }],
    ['common letters, nowhere together: "the then the"', { text: 'negative the negative the' }],
    ['nowhere: "zqxj"', { text: 'zqxj' }],
    ['two letters: "7."', { text: '7.' }],
    ['an expression: "rev.*7[13]."', { text: 'rev.*7[13].' }],
    ['role and verdict', { role: 'solve', outcome: 'malformed' }],
    ['flagged', { minSeverity: 1 }],
    ['flagged "outsmart" of one role', { minSeverity: 1, role: 'solve', text: 'outsmart' }],
    ['step 3', { step: 3 }],
    ['one task', { taskId: 't7-1' }],
  ];
  for (const [name, filter] of filters) show(name, { ...NO_FILTER, ...filter });
}

const at = process.argv.indexOf('--dir');
using place = workplace();
const given = at < 0 ? undefined : process.argv[at + 1];
const dir = given === undefined ? join(place.dir, 'large') : resolve(given);
if (!existsSync(dir)) {
  createRunFolder({ root: place.dir, runDir: dir, name: 'large', config: {} });
  write(dir, option('rollouts', 1_000_000));
}
measure(dir);
