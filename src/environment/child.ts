import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { confine } from './confine.ts';
import { readMessage } from './incoming.ts';
import type { FromKeeper, ToKeeper } from './protocol.ts';

export interface ChildEvents {
  onMessage(message: FromKeeper): void;
  /** The process is gone; told once, and not after `close`. */
  onLost(error: Error): void;
}

const STDERR_KEPT = 2_000;
/** A process that does not leave when its channel closes. */
const LEAVE_MS = 2_000;

/** One sandbox process. What it says is read as data: a program may have taken it over. */
export class Child {
  private readonly process: ChildProcess;
  private readonly events: ChildEvents;
  private errors = '';
  private lost = false;

  constructor(setup: Extract<ToKeeper, { type: 'open' }>, namespaces: boolean, events: ChildEvents) {
    this.events = events;
    const { command, args, env } = confine(namespaces);
    this.process = spawn(command, args, {
      env,
      // Ctrl-C in the terminal is for the application, which ends its sandbox in order.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'json',
      windowsHide: true,
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-STDERR_KEPT);
    });
    this.process.on('message', (message) => this.receive(message));
    this.process.on('error', (error) => this.lose(error));
    this.process.on('exit', (code, signal) => this.lose(new Error(`The sandbox process ended (${signal ?? code}). ${this.errors}`.trim())));
    this.send(setup);
  }

  send(message: ToKeeper): void {
    if (this.lost || !this.process.connected) return;
    // A channel that breaks here is reported by `exit`.
    this.process.send(message, () => undefined);
  }

  /** Ends the process at once, and reports it as lost. */
  kill(reason: string): void {
    this.errors = `${reason} ${this.errors}`;
    this.process.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.lost = true;
    if (this.process.exitCode !== null || this.process.signalCode !== null || this.process.pid === undefined) return;
    const gone = once(this.process, 'exit');
    if (this.process.connected) this.process.disconnect();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), LEAVE_MS);
    await gone;
    clearTimeout(timer);
  }

  private receive(raw: unknown): void {
    if (this.lost) return;
    const message = readMessage(raw);
    if (message === null) this.kill('It sent something that is no message.');
    else this.events.onMessage(message);
  }

  private lose(error: Error): void {
    if (this.lost) return;
    this.lost = true;
    this.events.onLost(error);
  }
}
