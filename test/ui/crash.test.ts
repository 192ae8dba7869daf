import { expect, it } from 'vitest';
import { banner, runState } from '../../ui/select.ts';
import { createAppStore } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';

it('a run whose process is gone says how it ended and how to go on', () => {
  const store = createAppStore(detectTheme({}, 'linux'), { columns: 80, rows: 24 }, 'my-run', 1000);
  const { view } = store.getState();
  store.setState({ connection: 'gone', lastAt: 1000, now: 2000, view: { ...view, state: 'running' } });
  // Silence alone says nothing yet.
  expect(runState(store.getState())).toBe('running');
  store.setState({ lastWords: 'Its process ended by SIGABRT: ggml stopped the process in ggml_mul_mat of F32[64,32] × F32[48,7]' });
  expect(runState(store.getState())).toBe('crashed');
  expect(banner(store.getState())).toMatchObject({
    tone: 'bad',
    text: expect.stringMatching(/SIGABRT.*F32\[48,7\]/),
    hint: 'kelvin resume my-run',
  });
});
