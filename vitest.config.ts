import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [process.env['KELVIN_SLOW'] ? 'test/**/*.slow.test.{ts,tsx}' : 'test/**/*.test.{ts,tsx}'],
    exclude: process.env['KELVIN_SLOW'] ? ['node_modules/**'] : ['node_modules/**', 'test/**/*.slow.test.{ts,tsx}'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
