import { beforeEach, describe, expect, it } from 'vitest';
import type { Block } from '../../ui/blocks.ts';
import { cardLines, figureLines, helpLines } from '../../ui/dialogs.ts';
import { BINDINGS } from '../../ui/keys.ts';
import { safetyDetail, safetyScroll, tasksDetail, thoughtsDetail } from '../../ui/panes.ts';
import { safetyScreen } from '../../ui/screens/safety.ts';
import { banner, cardOpen, runState, safetyQueue, safetySelected, selectedRollout } from '../../ui/select.ts';
import { Bench } from './bench.ts';
import { alarm, FakeReader, finding, FLAGGED_THOUGHT, record, sampleRun, startEvent } from './fakes.ts';

const textOf = (block: Block): string => block.map((line) => line.map((span) => span.text).join('')).join('\n');

let bench: Bench;
beforeEach(async () => {
  bench = new Bench(sampleRun(20));
  await bench.tick();
});

describe('a pause by the monitor', () => {
  beforeEach(async () => {
    alarm(bench.reader, 21);
    await bench.tick();
  });

  it('shows the card, alerts once, and puts the quoted words into it', async () => {
    expect(cardOpen(bench.state)).toBe(true);
    await bench.tick();
    expect(bench.alerts).toBe(1);
    const marked = cardLines(bench.state).flatMap((line) => line.filter((span) => span.inverse));
    expect(marked.map((span) => span.text).join(' ')).toContain('outsmart all these groups');
    expect(banner(bench.state)?.text).toContain('PAUSED');
  });

  it('resumes only with a reason', async () => {
    await bench.keys('r', 'enter');
    expect(bench.control.sent).toEqual([]);
    expect(bench.state.modal).toMatchObject({ kind: 'prompt', error: expect.stringContaining('reason') });
    await bench.type('A quote from a novel, q?1');
    await bench.keys('enter');
    expect(bench.control.sent).toEqual([{ command: 'resume', reason: 'A quote from a novel, q?1', by: 'tester' }]);
    await bench.tick();
    expect(bench.state.view.pause).toBeNull();
    expect(cardOpen(bench.state)).toBe(false);
    expect(bench.left).toEqual([]);
  });

  it('steps out one layer at a time and keeps the banner', async () => {
    await bench.keys('r', 'esc');
    expect(cardOpen(bench.state)).toBe(true);
    await bench.keys('esc');
    expect(cardOpen(bench.state)).toBe(false);
    expect(banner(bench.state)?.text).toContain('PAUSED');
    expect(runState(bench.state)).toBe('paused');
    alarm(bench.reader, 22, 'worse');
    await bench.tick();
    expect(cardOpen(bench.state)).toBe(true);
    expect(bench.alerts).toBe(2);
  });

  it('escalates with a reason, and shows what was measured beside what reviews say', async () => {
    await bench.keys('E');
    await bench.type('for the team');
    await bench.keys('enter');
    expect(bench.control.sent.at(-1)).toMatchObject({ command: 'review', rolloutId: 'bad', label: 'escalated', reason: 'for the team' });
    bench.store.setState({ figures: (view) => [`figures of ${view.monitor}`, 'a \u001b[2J line'] });
    await bench.tick();
    await bench.keys('esc', '4', 'm');
    expect(bench.state.modal?.kind).toBe('figures');
    const text = figureLines(bench.state).flat().map((span) => span.text).join(' '); // prettier-ignore
    expect(text).toContain(`figures of ${bench.state.view.monitor}`);
    expect(text).toContain('a ␛[2J line');
    expect(text).toContain('precision 1 of 1');
    await bench.keys('j', 'q');
    expect(bench.state.modal).toBeNull();
  });

  it('labels from the card and from the queue; a dismissal needs a reason', async () => {
    await bench.keys('a');
    expect(bench.control.sent.at(-1)).toMatchObject({ command: 'review', rolloutId: 'bad', index: 0, label: 'confirmed' });
    await bench.keys('enter');
    expect(bench.state.screen).toBe('safety');
    expect(safetySelected(bench.state)?.rolloutId).toBe('bad');
    await bench.keys('d');
    await bench.type('fiction');
    await bench.keys('enter');
    expect(bench.control.sent.at(-1)).toMatchObject({ label: 'dismissed', reason: 'fiction' });
    await bench.tick();
    expect(bench.state.view.flagged[0]).toMatchObject({ label: 'dismissed', reason: 'fiction' });
    // What is labelled is counted among all findings, no longer among the open ones.
    expect(textOf(safetyScreen(bench.state))).toMatch(/all findings .*S4 1/);
    await bench.keys('e');
    expect(textOf(safetyScreen(bench.state))).toMatch(/open findings .*S4 0/);
    await bench.keys('e', 'u');
    expect(bench.control.sent.at(-1)).toMatchObject({ label: 'new' });
  });

  it('says when the process refuses or is gone', async () => {
    bench.control.answer = { ok: false, message: 'not now' };
    await bench.keys('r', 'x', 'enter');
    expect(bench.state.toast).toMatchObject({ text: 'Not done: not now.', tone: 'bad' });
    bench.reachable = false;
    bench.lose();
    await bench.keys('r', 'x', 'enter');
    expect(bench.state.toast?.text).toContain('does not answer');
    expect(banner(bench.state)?.hint).toContain('kelvin resume one');
  });
});

describe('pause and quit by a person', () => {
  it('pauses without a card or an alert', async () => {
    await bench.keys('p');
    await bench.tick();
    expect(bench.control.sent[0]).toMatchObject({ command: 'pause' });
    expect(bench.state.view.pause?.cause).toBe('user');
    expect(cardOpen(bench.state)).toBe(false);
    expect(bench.alerts).toBe(0);
  });

  it('asks, and leaves running, stops, or stays', async () => {
    await bench.keys('q');
    expect(bench.state.modal?.kind).toBe('quit');
    await bench.keys('esc');
    expect(bench.left).toEqual([]);
    await bench.keys('q', 'l');
    expect(bench.left).toEqual(['running']);
    await bench.keys('q', 's');
    await bench.tick();
    expect(bench.control.sent.at(-1)).toEqual({ command: 'stop' });
    expect(bench.left).toEqual(['running', 'stopped']);
    await bench.keys('ctrl+c', 'ctrl+c');
    expect(bench.left.at(-1)).toBe('running');
  });

  it('drills only after a yes', async () => {
    await bench.keys('4', 'D', 'n', 'D', 'esc');
    expect(bench.control.sent).toEqual([]);
    await bench.keys('D', 'y');
    expect(bench.control.sent).toEqual([{ command: 'drill' }]);
  });

  it('does not close when the run refuses to stop', async () => {
    bench.control.answer = { ok: false, message: 'disk full' };
    await bench.keys('q', 's');
    await bench.tick();
    expect(bench.left).toEqual([]);
    expect(bench.state.toast?.text).toContain('disk full');
  });

  it('closes a finished run without a question', async () => {
    bench.reader.append({ type: 'end', step: 20, cause: 'finished', summary: {} });
    await bench.tick();
    await bench.keys('q');
    expect(bench.left).toEqual(['stopped']);
  });
});

describe('a process that vanished', () => {
  it('is called crashed only after silence of both socket and journal', async () => {
    bench.reachable = false;
    bench.lose();
    await bench.tick(1000);
    expect(runState(bench.state)).toBe('running');
    await bench.tick(6000);
    expect(runState(bench.state)).toBe('crashed');
    expect(banner(bench.state)?.tone).toBe('bad');
    bench.reachable = true;
    await bench.tick(1500);
    await bench.tick(1000);
    expect(runState(bench.state)).toBe('running');
  });
});

it('waits longer for a process that has written nothing yet', async () => {
  const fresh = new Bench(new FakeReader());
  fresh.reachable = false;
  await fresh.tick(1000);
  await fresh.tick(10_000);
  expect(runState(fresh.state)).toBe('starting');
  await fresh.tick(30_000);
  expect(runState(fresh.state)).toBe('crashed');
});

describe('lists', () => {
  it('keeps the selection on its rollout while new ones arrive, and follows on the first row', async () => {
    await bench.keys('2', 'l', 'down', 'down');
    const held = selectedRollout(bench.state)?.rollout.id;
    expect(held).toBe('r20-abduction-s');
    bench.reader.append({
      type: 'rollouts',
      step: 21,
      rollouts: [record('new1', 21, 'solve', 'deduction'), record('new2', 21, 'solve', 'deduction')],
    });
    await bench.tick();
    expect(selectedRollout(bench.state)?.rollout.id).toBe(held);
    expect(bench.state.thoughts.index).toBe(4);
    await bench.keys('g');
    expect(selectedRollout(bench.state)?.rollout.id).toBe('new2');
    bench.reader.append({ type: 'rollouts', step: 21, rollouts: [record('new3', 21, 'solve', 'deduction')] });
    await bench.tick();
    expect(selectedRollout(bench.state)?.rollout.id).toBe('new3');
  });

  it('reaches every row of a long list through a small window', async () => {
    const reader = new FakeReader();
    reader.append(startEvent(), {
      type: 'rollouts',
      step: 1,
      rollouts: Array.from({ length: 5000 }, (_, i) => record(`x${i}`, 1, 'solve', 'deduction')),
    });
    const long = new Bench(reader);
    await long.tick();
    await long.keys('2', 'l', 'G');
    expect(selectedRollout(long.state)?.rollout.id).toBe('x0');
    expect(long.state.thoughts.page.rows.length).toBeLessThan(400);
    await long.keys('pageup', 'up');
    expect(selectedRollout(long.state)).not.toBeNull();
    await long.keys('g');
    expect(selectedRollout(long.state)?.rollout.id).toBe('x4999');
  });

  it('filters by role, type, verdict, flag and text, and drops filters', async () => {
    await bench.keys('2', 'l', 'o');
    expect(bench.state.thoughts.page.count).toBe(60);
    await bench.keys('t', 'v');
    expect(
      bench.state.thoughts.page.rows.every(
        ({ rollout, outcome }) => rollout.role === 'propose' && rollout.taskType === 'deduction' && outcome === 'passable',
      ),
    ).toBe(true);
    await bench.keys('x', '/');
    await bench.type('r7-');
    await bench.keys('enter');
    expect(bench.state.thoughts.page.count).toBe(6);
    await bench.keys('/', 'esc');
    expect(bench.state.thoughts.filter.text).toBe('r7-');
    await bench.keys('f');
    expect(bench.state.thoughts.page.count).toBe(0);
    await bench.keys('esc');
    expect(bench.state.thoughts.page.count).toBe(120);
  });

  it('goes from a point of a chart to the rollouts of that step', async () => {
    await bench.keys('5', 'left', 'left', 'enter');
    expect(bench.state.screen).toBe('thoughts');
    expect(bench.state.thoughts.page.rows.every((row) => row.rollout.step === 18)).toBe(true);
  });

  it('goes from a point of a way of thinking to the rollouts that show it', async () => {
    const tried = record('tried', 21, 'solve', 'abduction', { thought: 'Try 3: no. Try 4: yes.' });
    const plain = record('plain', 21, 'solve', 'abduction', { thought: 'It is 4.' });
    bench.reader.append(
      { type: 'rollouts', step: 21, rollouts: [tried, plain] },
      { type: 'step', step: 21, metrics: { 'emergence/trial/solve/abduction': 0.5 } },
    );
    await bench.tick();
    await bench.keys('5', '/');
    await bench.type('emergence');
    await bench.keys('enter', 'enter');
    expect(bench.state.screen).toBe('thoughts');
    expect(bench.state.thoughts.page.rows.map(({ rollout }) => rollout.id)).toEqual(['tried']);
  });

  it('shows who solved a task', async () => {
    await bench.keys('3', '/');
    await bench.type('x * 2');
    await bench.keys('enter');
    const text = tasksDetail(bench.state)
      .main.map((line) => line.map((span) => span.text).join(''))
      .join('\n');
    expect(text).toContain('solved 2 of 3 tries');
  });

  it('brings the quoted span into sight in a long thought', async () => {
    const long = `${'padding words and more of them. '.repeat(200)}${FLAGGED_THOUGHT}`;
    const start = long.indexOf('outsmart');
    bench.reader.append(
      { type: 'rollouts', step: 21, rollouts: [record('long', 21, 'solve', 'deduction', { thought: long, severity: 2 })] },
      { type: 'finding', step: 21, rolloutId: 'long', index: 0, finding: finding(2, { start, end: start + 8, quote: 'outsmart' }) },
    );
    await bench.tick();
    await bench.keys('4');
    const top = safetyScroll(bench.state);
    const seen = safetyDetail(bench.state).main.slice(top, top + 8);
    expect(seen.some((line) => line.some((span) => span.inverse && span.text === 'outsmart'))).toBe(true);
  });

  it('orders the queue by severity, open ones first', async () => {
    bench.reader.append(
      { type: 'finding', step: 1, rolloutId: 'r1-deduction-s', index: 0, finding: finding(2) },
      { type: 'finding', step: 2, rolloutId: 'r2-deduction-s', index: 0, finding: finding(3) },
      { type: 'finding', step: 3, rolloutId: 'r3-deduction-s', index: 0, finding: finding(2) },
      { type: 'review', step: 3, rolloutId: 'r2-deduction-s', index: 0, label: 'acknowledged', reason: '', by: 'x' },
    );
    await bench.tick();
    await bench.keys('4');
    expect(safetyQueue(bench.state).map((item) => item.step)).toEqual([3, 1]);
    await bench.keys('e');
    expect(safetyQueue(bench.state).map((item) => item.step)).toEqual([3, 1, 2]);
    await bench.keys('n', 'n');
    expect(safetySelected(bench.state)?.step).toBe(2);
  });
});

describe('trouble', () => {
  it('shows a journal that cannot be read and recovers', async () => {
    bench.reader.failure = new Error('disk I/O error');
    await bench.tick();
    expect(banner(bench.state)?.text).toContain('disk I/O error');
    bench.reader.failure = null;
    await bench.tick();
    expect(banner(bench.state)).toBeNull();
  });

  it('says when the monitor is off, when thoughts were not read, and when a drill was missed', async () => {
    bench.reader.append({ type: 'step', step: 21, metrics: { 'monitor/read': 90, 'monitor/generated': 96 } });
    await bench.tick();
    expect(banner(bench.state)?.text).toContain('6 thoughts of the last step were not read');
    bench.reader.append({ type: 'step', step: 22, metrics: {} }, { type: 'drill', step: 22, rolloutId: 'd', caught: false });
    await bench.tick();
    expect(banner(bench.state)?.text).toContain('NOT caught');
    const off = new FakeReader();
    off.append({ ...startEvent(), tiers: [] } as ReturnType<typeof startEvent>);
    const other = new Bench(off);
    await other.tick();
    expect(banner(other.state)?.text).toContain('MONITOR IS OFF');
  });

  it.each([7, 11, 2026])('survives 5,000 random keys over pauses, labels and resizes (seed %i)', async (begin) => {
    let seed = begin;
    const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
    const names = [...new Set(BINDINGS.flatMap((binding) => binding.keys)), 'b', 'ä', '行', 'backspace', 'delete', 'ctrl+a', 'ctrl+w'];
    for (let i = 0; i < 5000; i++) {
      bench.actions.press(names[random(names.length)]!);
      if (random(50) === 0) bench.store.setState({ size: { columns: 60 + random(250), rows: 10 + random(90) } });
      if (random(500) === 0) alarm(bench.reader, 21 + (i >> 9), `bad${i}`);
      if (random(40) === 0) {
        await bench.tick();
        const { state } = bench;
        for (const lines of [
          thoughtsDetail(state).main,
          tasksDetail(state).main,
          safetyDetail(state).main,
          helpLines(state),
          cardLines(state),
        ]) {
          expect(Array.isArray(lines)).toBe(true);
        }
        expect(state.thoughts.index).toBeGreaterThanOrEqual(0);
      }
    }
    // Not stuck: layers close, screens open.
    bench.store.setState({ size: { columns: 80, rows: 24 } });
    for (let i = 0; i < 5; i++) await bench.keys('esc');
    await bench.keys('3');
    expect(bench.state.screen).toBe('tasks');
  });
});
