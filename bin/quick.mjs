// What the bundle changes in libraries so that the first frame comes sooner. Dependency-free; loaded for a build only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * yoga-layout asks `fetch` for bytes that it carries itself: that loads all of Node's HTTP client. string-width compiles an expression
 * over all emoji before it measures a border.
 *
 * @param {string} root of the repository
 */
export const quickStart = (root) => ({
  name: 'quick-start',
  setup(build) {
    build.onLoad({ filter: /yoga-wasm-base64-esm\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('typeof fetch', '"none"'),
    }));
    const width = join(root, 'ui', 'width.ts');
    build.onResolve({ filter: /^string-width$/ }, () => ({ path: width }));
  },
});
