import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Imports point down only (docs/architecture.md): each room lists the rooms it must not reach into. */
const rooms = {
  'src/core': ['engine', 'environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/engine': ['environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/environment': ['engine', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/serving': ['core', 'engine', 'environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/record': ['engine', 'environment', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/export': ['engine', 'environment', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/loop': ['eval', 'pretrain', 'commands', 'ui'],
  'src/eval': ['record', 'commands', 'safety', 'ui'],
  'src/tasks': ['engine', 'environment', 'record', 'loop', 'commands', 'safety', 'ui'],
  'src/experiments': ['engine', 'environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/models': ['environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'safety', 'ui'],
  'src/pretrain': ['record', 'environment', 'loop', 'eval', 'commands', 'safety', 'ui'],
  safety: ['environment', 'record', 'loop', 'eval', 'pretrain', 'commands', 'ui'],
  ui: ['engine', 'environment', 'loop', 'eval', 'pretrain', 'commands', 'safety'],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', '.cache/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      'max-lines': ['error', { max: 400 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' } },
  },
  ...Object.entries(rooms).map(([room, forbidden]) => ({
    files: [`${room}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: forbidden.map((name) => `**/${name}/**`), message: `${room} must not import this room: imports point down only.` },
          ],
        },
      ],
    },
  })),
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'performance', 'setTimeout'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'core gets its chance passed in (rng.ts).' },
        { object: 'Date', property: 'now', message: 'core has no clock.' },
      ],
    },
  },
);
