/** ggml really stops a process here; what it was at stands on stderr. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const stop = (when: string) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'abort-child.ts'), when], {
    encoding: 'utf8',
    timeout: 60_000,
  });

it('an operation on shapes that do not fit names itself and the shapes before the process ends', () => {
  const { signal, stderr } = stop('build');
  expect(signal).toBe('SIGABRT');
  expect(stderr).toMatch(/ggml stopped the process in ggml_mul_mat of F32\[64,32\] × F32\[48,7\]: ggml\.c:\d+: GGML_ASSERT\(.*\) failed/);
});

it('so does one that fails while a graph is computed on another thread', () => {
  const { signal, stderr } = stop('compute');
  expect(signal).toBe('SIGABRT');
  expect(stderr).toMatch(
    /ggml stopped the process while it computed a graph of 1 operations that ends in GET_ROWS F32\[64,5\] = F32\[64,32\] × I32\[5\]: ops\.cpp:\d+: GGML_ASSERT/,
  );
});
