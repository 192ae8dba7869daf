import { Actions } from '../../ui/actions.ts';
import { Feed } from '../../ui/feed.ts';
import { Pages } from '../../ui/pages.ts';
import { createAppStore } from '../../ui/store.ts';
import type { Store } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';
import { FakeControl } from './fakes.ts';
import type { FakeReader } from './fakes.ts';

/** The app without its drawing: store, feed, pages and keys. */
export class Bench {
  readonly store: Store;
  readonly control: FakeControl;
  readonly feed: Feed;
  readonly pages: Pages;
  readonly actions: Actions;
  readonly reader: FakeReader;
  readonly left: string[] = [];
  alerts = 0;
  time = 2_000_000;
  reachable = true;
  lose: () => void = () => undefined;

  constructor(reader: FakeReader, columns = 80, rows = 24) {
    this.reader = reader;
    this.control = new FakeControl(reader);
    const now = () => this.time;
    this.store = createAppStore(detectTheme({ LANG: 'C.UTF-8' }, 'linux'), { columns, rows }, 'one', now());
    this.pages = new Pages(this.store, reader);
    this.feed = new Feed({
      store: this.store,
      reader,
      now,
      onAlert: () => this.alerts++,
      onData: () => this.pages.invalidate(),
      connect: (_onMessage, onClose) => {
        this.lose = onClose;
        return this.reachable ? Promise.resolve(this.control) : Promise.reject(new Error('no'));
      },
    });
    this.actions = new Actions(this.store, {
      send: (command) => this.feed.send(command),
      quit: (how) => void this.left.push(how),
      repaint: () => undefined,
      refresh: (force) => this.pages.refresh(force),
      now,
      user: 'tester',
    });
  }
  get state() {
    return this.store.getState();
  }
  async tick(ms = 100): Promise<void> {
    this.time += ms;
    this.feed.tick();
    this.pages.refresh(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
  async keys(...names: string[]): Promise<void> {
    for (const name of names) this.actions.press(name);
    await this.tick();
  }
  /** Types text letter by letter. */
  async type(text: string): Promise<void> {
    await this.keys(...text);
  }
}
