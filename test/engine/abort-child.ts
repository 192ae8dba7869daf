/** Run by abort.test.ts: makes ggml stop this process, while a graph is built or while one is computed. */
import { openDevice } from '../../src/engine/ggml/backend.ts';
import { F32, I32 } from '../../src/engine/ggml/ffi.ts';
import type { Pointer } from '../../src/engine/ggml/libraries.ts';
import { allocate, allocateGraph, newContext, newTensor, setData } from '../../src/engine/ggml/memory.ts';

const device = openDevice('cpu', 1);
const { g } = device;
const lane = device.lanes[0] as Pointer;
const context = newContext(g, 16, 16);
const matrix = newTensor(g, context, F32, 64, 32);
if (process.argv[2] === 'build') g.f.ggml_mul_mat(context, matrix, newTensor(g, context, F32, 48, 7));
const rows = newTensor(g, context, I32, 5);
allocate(g, context, lane, 'a test');
const nodes = newContext(g, 16, 16);
const graph = g.f.ggml_new_graph_custom(nodes, 16, false);
g.f.ggml_build_forward_expand(graph, g.f.ggml_get_rows(nodes, matrix, rows));
allocateGraph(g, lane, graph, 'a test');
setData(g, rows, Int32Array.of(0, 1, 2, 3, 999));
await g.compute(lane, graph);
