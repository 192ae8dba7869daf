import { describe, expect, it, vi } from 'vitest';
import { chosenText, copySequence } from '../../ui/chosen.ts';
import { curvesOf, LEAST_SPAN, zoomed } from '../../ui/curves.ts';
import { allEvalRows, evalRows, matrixOf, suites } from '../../ui/evals.ts';
import { ancestorsOf, nearestOf, solveRates } from '../../ui/family.ts';
import { filterOf } from '../../ui/filter.ts';
import { phaseLines } from '../../ui/screens/run.ts';
import { codeSpans } from '../../ui/highlight.ts';
import { keymapOf, keyTables } from '../../ui/keymap.ts';
import { programFor } from '../../ui/lend.ts';
import { Machine } from '../../ui/machine.ts';
import { commandsFor, remembered } from '../../ui/palette.ts';
import { runsDetail } from '../../ui/runs-detail.ts';
import { differences, Runs, shownRuns } from '../../ui/runs.ts';
import type { RunsPort } from '../../ui/runs.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { createAppStore } from '../../ui/store.ts';
import type { AppState } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';
import { metrics, record, sampleRun, tasksOf } from './fakes.ts';

const theme = detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm' }, 'linux');
const viewOf = (steps: number) => sampleRun(steps).stored.reduce((view, { event }) => fold(view, event), EMPTY_VIEW);
const storeOf = (change: Partial<AppState> = {}) => {
  const store = createAppStore(theme, { columns: 120, rows: 40 }, 'sample', 0);
  store.setState({ view: viewOf(40), ...change });
  return store;
};

describe('filters', () => {
  it('finds words, expressions, and what does not fit', () => {
    expect(filterOf('F(X)').test('let y = f(x)')).toBe(true);
    expect(filterOf('^let .* =').test('let y = f(x)')).toBe(true);
    expect(filterOf('!double').test('I DOUBLE it')).toBe(false);
    expect(filterOf('!double').test('I halve it')).toBe(true);
    expect(filterOf('!').test('anything')).toBe(true);
    expect(filterOf('').test('')).toBe(true);
    expect(filterOf('f(').test('f(1)')).toBe(true);
    expect(filterOf('[').test('a[0]')).toBe(true);
  });

  it('finds ways of thinking by name', () => {
    expect(filterOf('sign:trial').test('Try 3: no. Try 4: yes.')).toBe(true);
    expect(filterOf('sign:trial').test('The sign:trial is four.')).toBe(false);
    expect(filterOf('!sign:state').test('b=[1];c=2')).toBe(false);
    expect(filterOf('sign:plan').test('# count the words first\ndef f(a): return len(a)')).toBe(true);
    expect(filterOf('sign:none').test('a sign:none here')).toBe(true);
    expect(filterOf('sign:state').asked).toBe(true);
    expect(filterOf('outsmart').asked).toBe(false);
  });

  it('says how near a run is to collapsing, once there are steps to compare', () => {
    const text = (entropy: number, count: number): string => {
      const view = {
        ...viewOf(1),
        steps: Array.from({ length: count }, (_, i) => [i + 1, { entropy: i < count - 5 ? 0.6 : entropy }] as const),
      };
      return phaseLines(storeOf({ view }).getState(), 60)
        .flat()
        .map((span) => `${span.text}${span.tone === 'bad' ? '!' : ''}`)
        .join('');
    };
    expect(text(0.6, 14)).not.toContain('collapse');
    expect(text(0.6, 15)).toContain('collapse risk 0.00 low');
    expect(text(0.02, 40)).toContain('collapse risk 1.00 high!');
  });

  it('never takes an expression that could run for ever', () => {
    for (const text of ['(a+)+$', '(a|aa)+$', '(a*)*b', '([a-z]+)*!']) {
      expect(filterOf(text).pattern, text).toBeNull();
      expect(filterOf(text).test(`${'a'.repeat(5000)}!`)).toBe(false);
    }
  });
});

describe('programs in colour', () => {
  const tones = (code: string) => codeSpans(code, [], false).map(({ text, tone }) => [text, tone]);

  it('knows words, strings, numbers and comments of both languages', () => {
    expect(tones('return "if" + 12 // no')).toEqual([
      ['return', 'accent'],
      [' ', undefined],
      ['"if"', 'good'],
      [' + ', undefined],
      ['12', 'abduction'],
      [' ', undefined],
      ['// no', 'muted'],
    ]);
    expect(tones('def f(x):\n  return x // 2 # half').map(([text]) => text)).toContain('# half');
    expect(tones('def f(x):\n  return x // 2 # half').find(([text]) => text === '2')?.[1]).toBe('abduction');
  });

  it('keeps the text, the marks and hostile characters whole', () => {
    const code = 'const a = "x\x1b[31m";\nreturn `unclosed ${a';
    const spans = codeSpans(code, [{ start: 6, end: 11, tone: 'flag' }], false);
    expect(spans.map(({ text }) => text).join('')).toBe('const a = "x␛[31m";\nreturn `unclosed ${a');
    expect(
      spans
        .filter((span) => span.inverse)
        .map(({ text }) => text)
        .join(''),
    ).toBe('a = "'.slice(0, 4) + '"');
  });
});

describe('evaluations', () => {
  const { evals } = viewOf(12);

  it('says what was before and what is now', () => {
    expect(suites(evals)).toEqual(['heldout']);
    expect(allEvalRows(evals)[0]).toMatchObject({ path: 'heldout/greedy', before: 0.501, now: 0.58, kind: 'share' });
    expect(evalRows(evals, 'deduction').map(({ path }) => path)).toEqual(['heldout/temp1/deduction']);
    expect(evalRows(evals, '!deduction')).toHaveLength(2);
    const matrix = matrixOf(evals, 'heldout');
    expect(matrix.columns).toEqual(['temp1', 'greedy']);
    expect(matrix.rows.map(({ label }) => label)).toEqual(['all tasks', 'deduction']);
    expect(matrix.rows[1]!.cells[1]).toBeUndefined();
  });

  it('sorts levels by number', () => {
    const levels = Object.fromEntries([1, 2, 10].map((level) => [`s/greedy/induction/level${level}`, 0.1]));
    expect(matrixOf([[0, { 's/greedy': 1, ...levels }]], 's').rows.map(({ label }) => label.trim())).toEqual([
      'all tasks',
      'level 1',
      'level 2',
      'level 10',
    ]);
  });
});

describe('curves', () => {
  it('zooms around the cursor and reads its value', () => {
    const store = storeOf();
    const all = curvesOf(store.getState(), 'loss')!;
    expect([all.first, all.last, all.step, all.at]).toEqual([1, 40, 40, 39]);
    store.setState({ charts: { ...store.getState().charts, span: 10, back: 20 } });
    const part = curvesOf(store.getState(), 'throughput/tokens_per_second')!;
    expect([part.first, part.last, part.step]).toEqual([15, 24, 20]);
    expect(part.all[0]!.values).toHaveLength(10);
    expect(part.all[0]!.read).toBe(812);
    expect([zoomed(null, 40, 1), zoomed(20, 40, -1), zoomed(LEAST_SPAN, 40, 1), zoomed(10, 40, -1)]).toEqual([20, null, LEAST_SPAN, 20]);
  });

  it('lays other runs over it, step by step', () => {
    const store = storeOf();
    const other = { ...viewOf(0), steps: [[38, metrics(38, 5)] as const, [60, metrics(60, 7)] as const] };
    store.setState({
      runs: { ...store.getState().runs, marked: ['/other'], loaded: new Map([['/other', { view: other, starts: [], pauses: 0 }]]) },
    });
    const { all, last } = curvesOf(store.getState(), 'optim/grad_norm')!;
    expect(last).toBe(60);
    expect(all.map(({ label }) => label)).toEqual(['this', 'A']);
    expect(all[1]!.values[37]).toBeCloseTo(5.8);
    expect(all[1]!.values[38]).toBeNaN();
    expect(all[0]!.values[59]).toBeNaN();
  });
});

describe('families of tasks', () => {
  const tasks = [1, 2, 3].flatMap(tasksOf);
  const find = (id: string) => tasks.find((task) => task.id === id) ?? null;

  it('climbs to the parents, and through a circle only once', () => {
    expect(ancestorsOf(find('t3')!, find).map(({ id, depth }) => [id, depth])).toEqual([
      ['t2', 1],
      ['t1', 2],
    ]);
    const ring = (id: string) => ({ ...find('t1')!, id, parents: [id === 'x' ? 'y' : 'x'] });
    expect(ancestorsOf(ring('x'), ring).map(({ id, again }) => [id, again])).toEqual([
      ['y', false],
      ['x', true],
    ]);
    expect(ancestorsOf({ ...find('t1')!, parents: ['gone'] }, find)).toMatchObject([{ id: 'gone', task: null }]);
  });

  it('finds the nearest earlier program, and how often a task was solved', () => {
    expect(nearestOf(find('t3')!, tasks)).toMatchObject({ task: { id: 't1' }, similarity: 1 });
    expect(nearestOf(find('t1')!, [find('t1')!])).toBeNull();
    const tries = [
      record('a', 2, 'solve', 'deduction'),
      record('b', 2, 'solve', 'deduction', { outcome: 'wrong' }),
      record('c', 1, 'solve', 'deduction'),
    ];
    expect(solveRates(tries)).toEqual([
      [1, 1, 1],
      [2, 0.5, 2],
    ]);
  });
});

describe('the machine', () => {
  it('shares of busy time between two looks, once a second', () => {
    const store = storeOf();
    let busy = 0;
    const read = () => ({ cores: [{ busy: (busy += 30), idle: 70 * (busy / 30) }], free: 4, total: 16, load: 1.5, model: 'x' });
    const machine = new Machine(store, read);
    for (const now of [0, 500, 1000, 2000]) machine.sample(now);
    const { cpu, cores, used } = store.getState().machine;
    expect(cpu).toHaveLength(2);
    expect(cpu[0]).toBeCloseTo(0.3);
    expect(cores[0]).toBeCloseTo(0.3);
    expect(used).toEqual([12, 12, 12]);
  });
});

describe('other runs', () => {
  const row = (name: string, more = {}) => ({ name, dir: `/runs/${name}`, state: 'finished' as const, step: 3, totalSteps: 3, started: '2026-01-01', config: 'nano', pid: null, problem: null, parent: null, ...more }); // prettier-ignore

  it('are read once for each change, marked and unmarked', () => {
    const store = storeOf();
    const load = vi.fn(() => ({ view: viewOf(3), starts: [], pauses: 0 }));
    let rows = [row('b'), row('a')];
    const port: RunsPort = { list: () => rows, load, resume: () => Promise.resolve('on'), export: () => Promise.resolve('out') };
    const runs = new Runs(store, port);
    runs.refresh(0);
    runs.refresh(100);
    expect(load).toHaveBeenCalledTimes(1);
    expect(runs.mark()).toContain('b is compared');
    store.setState({ runs: { ...store.getState().runs, index: 1 } });
    rows = [row('c'), ...rows];
    runs.refresh(60_000);
    // The selection stays on its run.
    expect(shownRuns(store.getState().runs)[store.getState().runs.index]?.name).toBe('a');
    expect(load).toHaveBeenCalledTimes(2);
    rows = rows.map((each) => ({ ...each, step: 4 }));
    runs.refresh(120_000);
    expect(load).toHaveBeenCalledTimes(4);
    for (let i = 0; i < 3; i++) runs.mark();
    expect(store.getState().runs.marked).toEqual(['/runs/b', '/runs/a']);
  });

  it('name the run that they were forked from, and what was changed', () => {
    const store = storeOf();
    const parent = { run: 'a', id: '00', step: 3, changes: ['optim.lr: 1 → 2'] };
    const load = () => ({ view: viewOf(3), starts: [], pauses: 0 });
    const port = { load, resume: () => Promise.resolve(''), export: () => Promise.resolve('') };
    new Runs(store, { ...port, list: () => [row('b', { parent })] }).refresh(0);
    const text = runsDetail(store.getState(), 80).map((line) => line.map((span) => span.text).join('')).join('\n'); // prettier-ignore
    expect(text).toContain('forked from a at step 3');
    expect(text).toContain('optim.lr: 1 → 2');
  });

  it('say why they cannot be read', () => {
    const store = storeOf();
    const fail = () => {
      throw new Error('it is damaged');
    };
    const runs = new Runs(store, {
      list: () => [row('a')],
      load: fail,
      resume: () => Promise.resolve(''),
      export: () => Promise.resolve(''),
    });
    runs.refresh(0);
    expect(store.getState().runs.error).toBe('a: it is damaged');
    new Runs(store, undefined).refresh(0);
    expect(store.getState().runs.error).toContain('kelvin runs');
  });

  it('differ in settings by path', () => {
    expect(differences({ a: 1, b: { c: [1], d: 2 } }, { a: 1, b: { c: [2] }, e: 'x' })).toEqual([
      ['b.c', '[1]', '[2]'],
      ['b.d', '2', '-'],
      ['e', '-', '"x"'],
    ]);
    expect(differences(null, { a: 1 })).toContainEqual(['a', '-', '1']);
  });
});

describe('the palette', () => {
  it('finds commands, metrics and steps, used ones first', () => {
    const state = storeOf().getState();
    expect(commandsFor(state, 'pause the run')[0]).toMatchObject({ key: 'p', act: { kind: 'key', key: 'p' } });
    expect(commandsFor(state, 'screen mach')[0]?.act).toEqual({ kind: 'key', key: '9' });
    expect(commandsFor(state, 'grad_norm').some(({ act }) => act.kind === 'chart' && act.path === 'optim/grad_norm')).toBe(true);
    expect(commandsFor(state, '17')[0]).toMatchObject({ name: 'thoughts of step 17', act: { kind: 'step', step: 17 } });
    expect(commandsFor(state, 'zzzzqq')).toEqual([]);
    expect(commandsFor({ ...state, commands: ['chart loss', 'gone'] }, '')[0]?.name).toBe('chart loss');
    expect(remembered(['b', 'a'], 'a')).toEqual(['a', 'b']);
  });
});

describe('what is chosen', () => {
  it('leaves the screen whole and inert', () => {
    const hostile = record('r1', 3, 'solve', 'deduction', { thought: 'go \x1b]0;x\x07 on', program: 'f()' });
    const store = storeOf({ screen: 'thoughts' });
    store.setState({
      thoughts: { ...store.getState().thoughts, mode: 'past', page: { rows: [hostile], offset: 0, count: 1, searched: 1 } },
    });
    const text = chosenText(store.getState())!;
    expect(text).toContain('# rollout r1, step 3, solve deduction: passable, reward 1');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
    store.setState({ screen: 'charts' });
    expect(chosenText(store.getState())).toMatch(/^step\taccuracy\/solve\/abduction\n1\t0\./);
    expect(chosenText({ ...store.getState(), screen: 'machine' })).toBeNull();
    expect(Buffer.from(copySequence('ä').slice(7, -1), 'base64').toString()).toBe('ä');
  });

  it('goes to the program that a person uses', () => {
    expect(programFor('pager', { PAGER: 'less -S' }, 'linux')).toBe('less -S');
    expect(programFor('editor', { EDITOR: 'nano', VISUAL: 'code -w' }, 'linux')).toBe('code -w');
    expect(programFor('editor', {}, 'linux')).toBe('vi');
  });
});

describe('own keys', () => {
  it('replace those of the map', () => {
    const map = keymapOf('{ "pause": ["P", "ctrl+g"], "charts.log": "L", "live": "ctrl+y" }', 'keys.json');
    const keys = (action: string) => map.find((binding) => binding.action === action)!.keys;
    expect(keys('pause')).toEqual(['P', 'ctrl+g']);
    expect(keys('log')).toEqual(['L']);
    expect(keys('resume')).toEqual(['r']);
    expect(keymapOf('{ "help.out": ["B"] }', 'keys.json').filter(({ keys }) => keys.includes('B'))).toMatchObject([
      { action: 'out', contexts: ['help'] },
    ]);
  });

  it.each([
    ['{', 'it is no JSON'],
    ['[]', 'it takes an object'],
    ['{ "pause": [] }', 'it takes an object'],
    ['{ "pauze": "P" }', 'Did you mean "pause"?'],
    ['{ "screen": "0" }', 'there is no action "screen"'],
    ['{ "out": "b" }', 'stands in several places'],
    ['{ "pause": "pp" }', 'keys are one character'],
    ['{ "pause": "3" }', 'digits are the screens'],
    ['{ "pause": "\\u001b" }', 'keys are one character'],
    ['{ "pause": "esc" }', 'it always leads out'],
    ['{ "pause": "q" }', '"q" would mean both'],
  ])('%s is refused with what to do', (text, message) => {
    expect(() => keymapOf(text, 'keys.json')).toThrow(`keys.json: `);
    expect(() => keymapOf(text, 'keys.json')).toThrow(message);
  });

  it('are listed for the documentation', () => {
    expect(keyTables()).toContain('| `p` | pause the run before its next optimiser step | `pause` |');
  });
});
