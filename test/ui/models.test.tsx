import { afterEach, describe, expect, it } from 'vitest';
import type { ModelRow, ModelsPort } from '../../ui/models.ts';
import { mount } from './harness.tsx';
import type { Screen } from './harness.tsx';

const row = (name: string, more: Partial<ModelRow> = {}): ModelRow => ({
  name,
  uri: `hf:someone/${name}:Q8_0`,
  quantisation: 'Q8_0',
  parameters: 5e8,
  bytes: 5e8,
  context: 32768,
  file: null,
  config: `configs/${name}.json`,
  plan: { total: 4 * 2 ** 30, available: 20 * 2 ** 30 },
  fit: 'fits',
  advice: '',
  ...more,
});
const ROWS = [
  row('small', { file: '/models/small.gguf' }),
  row('middle'),
  row('large', { fit: 'too large', advice: 'lower engine.tokenBudget (now 2048)', plan: { total: 40 * 2 ** 30, available: 20 * 2 ** 30 } }),
];

function port(fetch: ModelsPort['fetch'], rows: () => readonly ModelRow[] = () => ROWS): ModelsPort {
  return { list: () => Promise.resolve(rows()), fetch, close: () => undefined };
}

describe('the Models screen', () => {
  let screen: Screen | undefined;
  afterEach(async () => screen?.quit());

  it('lists what each model takes, whether it fits, and what to change', async () => {
    screen = await mount({ columns: 80, rows: 24, models: port(() => Promise.resolve()) });
    await screen.press('7');
    await screen.see('4.0 GiB');
    expect(screen.text()).toMatch(/small.*500\.0M.*Q8_0.*fits/);
    expect(screen.text()).toContain('kelvin train --config configs/small.json');
    await screen.press('G');
    await screen.see('lower engine.tokenBudget (now 2048)');
    expect(screen.text()).toMatch(/large.*too large/);
  });

  it('Enter fetches with progress; afterwards the model is there', async () => {
    let finish = (): void => undefined;
    let there = false;
    const fetch: ModelsPort['fetch'] = (uri, onProgress) => {
      expect(uri).toBe('hf:someone/middle:Q8_0');
      onProgress(250, 1000);
      return new Promise((resolve) => (finish = resolve));
    };
    screen = await mount({
      columns: 100,
      rows: 30,
      models: port(fetch, () => (there ? [ROWS[0]!, row('middle', { file: '/m.gguf' })] : ROWS)),
    });
    await screen.press('7');
    await screen.see('middle');
    await screen.press('j', '\r');
    await screen.see('25 %');
    there = true;
    finish();
    await screen.see('2 on disk');
    await screen.press('\r');
    await screen.see('Train it: kelvin train --config configs/middle.json');
  });

  it('says why a download failed, and hostile words stay words', async () => {
    const fetch = (): Promise<void> => Promise.reject(new Error('no network \u001b[2J, put the file into /cache'));
    screen = await mount({ columns: 100, rows: 30, models: port(fetch) });
    await screen.press('7');
    await screen.see('middle');
    await screen.press('j', '\r');
    await screen.see('no network');
    expect(screen.text()).toContain('put the file into /cache');
    expect(screen.raw()).not.toContain('network \u001b[2J');
  });
});
