import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Command, LiveMessage } from '../../src/core/events.ts';
import { connectControl, serveControl, type Answer } from '../../src/record/control.ts';
import type { ControlServer } from '../../src/record/port.ts';
import { scratch } from './samples.ts';

const live = (text: string): LiveMessage => ({ type: 'live', key: 'k', role: 'solve', taskType: 'deduction', text });

async function served(
  dir: string,
  onCommand: (command: Command) => Promise<Answer> = async (command) => ({ ok: true, message: command.command }),
): Promise<ControlServer> {
  const server = await serveControl(dir, onCommand);
  onTestFinished(() => server.close());
  return server;
}

/** A bare connection: what it receives, and a promise of its end. */
function raw(path: string): { socket: Socket; received: () => string; closed: Promise<unknown> } {
  const socket = connect(path);
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => {});
  return { socket, received: () => text, closed: new Promise((done) => socket.once('close', done)) };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await sleep(5);
  }
}

describe('between friends', () => {
  test('each command gets its own answer, live messages reach everybody', async () => {
    const dir = scratch();
    const commands: Command[] = [];
    const server = await served(dir, async (command) => {
      commands.push(command);
      if (command.command === 'pause') await sleep(20);
      if (command.command === 'drill') throw new Error('no drill now');
      return { ok: true, message: command.command };
    });
    const seen: LiveMessage[][] = [[], []];
    const clients = await Promise.all(seen.map((messages) => connectControl(dir, (message) => messages.push(message))));
    onTestFinished(() => clients.forEach((client) => client.close()));
    const review = { command: 'review', rolloutId: 'r', index: 0, label: 'dismissed', reason: 'why\n"not" 😀', by: 'ana' } as const;
    const answers = await Promise.all([
      clients[0]!.send({ command: 'pause', reason: 'tea' }),
      clients[0]!.send({ command: 'resume', reason: 'read', by: 'ana' }),
      clients[1]!.send({ command: 'drill' }),
      clients[1]!.send(review),
    ]);
    expect(answers).toEqual([
      { ok: true, message: 'pause' },
      { ok: true, message: 'resume' },
      { ok: false, message: 'no drill now' },
      { ok: true, message: 'review' },
    ]);
    expect(commands.find((command) => command.command === 'review')).toEqual({ id: 2, ...review });
    server.broadcast(live('thinking …'));
    await until(() => seen.every((messages) => messages.length === 1));
    expect(seen).toEqual([[live('thinking …')], [live('thinking …')]]);
  });

  test('the end of the run ends the wait of a client', async () => {
    const dir = scratch();
    const server = await serveControl(dir, () => new Promise(() => {}));
    let ends = 0;
    const client = await connectControl(
      dir,
      () => {},
      () => ends++,
    );
    const answer = client.send({ command: 'stop' });
    await sleep(20);
    await server.close();
    expect(await answer).toEqual({ ok: false, message: 'The run process closed the connection.' });
    expect(await client.send({ command: 'stop' })).toMatchObject({ ok: false });
    expect(ends).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
    await expect(connectControl(dir, () => {})).rejects.toMatchObject({ name: 'RecordError', code: 'missing' });
  });
});

describe.skipIf(process.platform === 'win32')('the socket file', () => {
  test('is for its owner only, and replaces one that a killed run left', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'control.sock'), 'left over');
    const server = await served(dir);
    expect(server.path).toBe(join(dir, 'control.sock'));
    expect(statSync(server.path).mode & 0o777).toBe(0o600);
    await expect(connectControl(scratch(), () => {})).rejects.toThrow(/No process runs .*kelvin resume/);
  });

  test('lies in a private short place when the folder has a long path, and is found there', async () => {
    const dir = join(scratch(), 'long'.repeat(30), 'run');
    mkdirSync(dir, { recursive: true });
    const killed = await serveControl(dir, async () => ({ ok: true, message: '' }));
    const pointer = readFileSync(join(dir, 'control.path'));
    await killed.close();
    expect(existsSync(dirname(killed.path))).toBe(false);
    // A pointer to what is gone, or to what is not ours, is not followed nor removed.
    writeFileSync(join(dir, 'control.path'), pointer);
    await expect(connectControl(dir, () => {})).rejects.toMatchObject({ code: 'missing' });
    const precious = scratch();
    writeFileSync(join(precious, 's'), 'mine');
    writeFileSync(join(dir, 'control.path'), `${precious}/s\n`);
    const server = await served(dir, async () => ({ ok: true, message: 'here' }));
    expect(existsSync(join(precious, 's'))).toBe(true);
    expect(Buffer.byteLength(server.path)).toBeLessThanOrEqual(103);
    expect(statSync(dirname(server.path)).mode & 0o777).toBe(0o700);
    const client = await connectControl(dir, () => {});
    onTestFinished(() => client.close());
    expect(await client.send({ command: 'stop' })).toEqual({ ok: true, message: 'here' });
  });
});

describe('hostile clients never hurt the run', () => {
  test('garbage is answered, and the same client may go on', async () => {
    const dir = scratch();
    let carriedOut = 0;
    const server = await served(dir, async () => ({ ok: true, message: String(++carriedOut) }));
    const { socket, received } = raw(server.path);
    const bad = [
      'garbage', '{', 'null', '[]', '42', '"stop"', '{}', '{"id":1}', '{"id":2,"command":"format"}', '{"command":"stop"}', '{"id":-1,"command":"stop"}', '{"id":1.5,"command":"stop"}',
      '{"id":3,"command":"pause"}', '{"id":3,"command":"pause","reason":7}', '{"id":4,"command":"stop","extra":1}', '{"id":5,"command":"__proto__"}', '{"__proto__":{"id":1,"command":"stop"}}',
      '{"id":6,"command":"review","rolloutId":"r","index":-2,"label":"new","reason":"","by":""}', '{"id":7,"command":"review","rolloutId":"r","index":0,"label":"praise","reason":"","by":""}',
      `{"id":8,"command":"pause","reason":"${'x'.repeat(9000)}"}`, '\u0000\u001b[2J', '[[[[[[[['.repeat(1000),
    ]; // prettier-ignore
    for (const line of bad) socket.write(`${line}\n`);
    socket.write(Buffer.from([0xff, 0xfe, 0x0a, 0x0a, 0x0a]));
    // A command in pieces, one byte at a time, is a command all the same.
    for (const byte of Buffer.from('{"id":9,"command":"stop"}\n')) socket.write(Buffer.from([byte]));
    await until(() => received().includes('"id":9'));
    const replies = received().trim().split('\n').map((line) => JSON.parse(line) as { id: number; ok: boolean; message: string }); // prettier-ignore
    expect(replies).toHaveLength(bad.length + 2);
    expect(replies.filter((reply) => reply.ok)).toEqual([{ type: 'reply', id: 9, ok: true, message: '1' }]);
    expect(replies.find((reply) => reply.id === 3)?.message).toMatch(/reason/);
    expect(carriedOut).toBe(1);
    socket.destroy();
  });

  test('a line without end, a flood of garbage, half a line and a hang-up are cut off', async () => {
    const dir = scratch();
    const server = await served(dir);
    const endless = raw(server.path);
    for (let i = 0; i < 40 && !endless.socket.destroyed; i++) endless.socket.write('x'.repeat(8192));
    await endless.closed;
    const flood = raw(server.path);
    flood.socket.write('no\n'.repeat(5000));
    await flood.closed;
    expect(flood.received().split('\n').length).toBeLessThanOrEqual(101);
    const half = raw(server.path);
    half.socket.end('{"id":1,"comm');
    await half.closed;
    const hangUp = raw(server.path);
    hangUp.socket.write('{"id":1,"command":"stop"}\n'.repeat(200), () => hangUp.socket.destroy());
    await hangUp.closed;
    const client = await connectControl(dir, () => {});
    onTestFinished(() => client.close());
    expect(await client.send({ command: 'stop' })).toEqual({ ok: true, message: 'stop' });
  });

  test('a storm of connections and commands is carried out to the last', async () => {
    const dir = scratch();
    let carriedOut = 0;
    await served(dir, async (command) => {
      await sleep(0);
      carriedOut++;
      return { ok: true, message: command.command };
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectControl(dir, () => {})));
    const answers = await Promise.all(clients.flatMap((client) => Array.from({ length: 100 }, () => client.send({ command: 'stop' }))));
    for (const client of clients) client.close();
    expect(answers.filter((answer) => answer.ok)).toHaveLength(2000);
    expect(carriedOut).toBe(2000);
  });

  test('more connections than the limit are turned away, and room comes back', async () => {
    const dir = scratch();
    const server = await served(dir);
    const crowd = Array.from({ length: 80 }, () => raw(server.path));
    await until(() => crowd.filter((one) => one.socket.destroyed).length >= 16);
    expect(crowd.filter((one) => !one.socket.destroyed)).toHaveLength(64);
    for (const one of crowd) one.socket.destroy();
    await Promise.all(crowd.map((one) => one.closed));
    let answer: Answer = { ok: false, message: '' };
    for (let tries = 0; !answer.ok && tries < 200; tries++) {
      const client = await connectControl(dir, () => {});
      answer = await client.send({ command: 'stop' });
      client.close();
    }
    expect(answer).toEqual({ ok: true, message: 'stop' });
  });

  test('for a reader that reads nothing little is kept, and others lose nothing by it', async () => {
    const dir = scratch();
    const server = await served(dir);
    const deaf = connect(server.path);
    await once(deaf, 'connect');
    deaf.pause();
    let got = 0;
    const client = await connectControl(dir, () => got++);
    onTestFinished(() => client.close());
    await client.send({ command: 'stop' });
    for (let i = 0; i < 2000; i++) {
      server.broadcast(live('x'.repeat(10_000)));
      if (i % 10 === 0) await sleep(0);
    }
    expect(await client.send({ command: 'stop' })).toEqual({ ok: true, message: 'stop' });
    expect(got).toBeGreaterThan(500);
    // 20 MB were meant for the deaf reader; what waits for it is what it gets once it reads.
    let kept = 0;
    deaf.on('data', (chunk: Buffer) => (kept += chunk.length));
    deaf.resume();
    const closed = once(deaf, 'close');
    await server.close();
    await closed;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(2e6);
  });
});
