/** Run by abort.test.ts: a run whose process ggml stops after a given step. Arguments: run folder, step. */
import { parseConfig } from '../../src/config.ts';
import { runSession } from '../../src/commands/session.ts';
import { bindGgml, F32 } from '../../src/engine/ggml/ffi.ts';
import { newContext, newTensor } from '../../src/engine/ggml/memory.ts';
import { readRunConfig } from '../../src/record/folder.ts';

const [runDir = '', step = '1'] = process.argv.slice(2);
await runSession({
  runDir,
  config: parseConfig(readRunConfig(runDir)),
  onEvent: (event) => {
    if (event.type !== 'tasks' || event.step <= Number(step)) return;
    const g = bindGgml('cpu');
    const context = newContext(g, 8);
    g.f.ggml_mul_mat(context, newTensor(g, context, F32, 64, 32), newTensor(g, context, F32, 48, 7));
  },
});
