import { describe, expect, it } from 'vitest';
import { createConductor } from '../../src/loop/conductor.ts';

const make = (paused = false) => {
  const log: string[] = [];
  const conductor = createConductor(
    { onPause: (cause, reason) => log.push(`pause ${cause} ${reason}`), onResume: (reason, by) => log.push(`resume ${reason} ${by}`) },
    paused,
  );
  return { conductor, log };
};

describe('conductor', () => {
  it('records a pause before anything waits on it', async () => {
    const { conductor, log } = make();
    conductor.pause('finding', 'hostility', 'r1');
    expect(log).toEqual(['pause finding hostility']);
    let gone = false;
    const waiting = conductor.proceed().then((value) => ((gone = true), value));
    await Promise.resolve();
    expect(gone).toBe(false);
    expect(conductor.resume('read it', 'me').ok).toBe(true);
    expect(await waiting).toBe(true);
    expect(log[1]).toBe('resume read it me');
  });

  it('a resume needs a reason, and a pause', () => {
    const { conductor, log } = make(true);
    expect(conductor.resume('  ', 'me').ok).toBe(false);
    expect(conductor.paused).toBe(true);
    expect(conductor.resume('ok', 'me').ok).toBe(true);
    expect(conductor.resume('ok', 'me').ok).toBe(false);
    expect(log).toEqual(['resume ok me']);
  });

  it('a stop ends the waiting, and says that the open step does not count', async () => {
    const { conductor } = make(true);
    const waiting = conductor.proceed();
    conductor.requestStop();
    expect(await waiting).toBe(false);
    expect(conductor.stopping).toBe(true);
  });

  it('stopping an unpaused run lets its step end', async () => {
    const { conductor } = make();
    conductor.requestStop();
    expect(await conductor.proceed()).toBe(true);
  });

  it('a pause while waiting keeps waiting', async () => {
    const { conductor } = make(true);
    let gone = false;
    void conductor.proceed().then(() => (gone = true));
    conductor.resume('first', 'me');
    conductor.pause('user', 'again', null);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(gone).toBe(false);
  });

  it('a drill is taken once', () => {
    const { conductor } = make();
    conductor.requestDrill();
    expect([conductor.takeDrill(), conductor.takeDrill()]).toEqual([true, false]);
  });
});
