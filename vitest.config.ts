import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [process.env['KELVIN_SLOW'] ? 'test/**/*.slow.test.{ts,tsx}' : 'test/**/*.test.{ts,tsx}'],
    exclude: process.env['KELVIN_SLOW'] ? ['node_modules/**'] : ['node_modules/**', 'test/**/*.slow.test.{ts,tsx}'],
    pool: 'forks',
    // Anchors of test runs stay out of the user's state folder.
    env: { KELVIN_STATE: join(tmpdir(), `kelvin-test-state-${process.pid}`) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
