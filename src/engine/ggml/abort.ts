/**
 * What ggml was at when it stopped the process. A failed assertion calls `abort()`, and its own message names a line of
 * C only; ours goes to stderr just before and names the operation and its shapes. Whoever started the process finds it
 * there (`src/record/last-words.ts`).
 */
import { writeSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { describeNode, describeTensor } from './memory.ts';
import type { Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';

type Call = (...args: never[]) => unknown;

/** The call of a graph being built, and graphs being computed. */
let building: { readonly name: string; readonly tensors: readonly number[]; readonly args: readonly unknown[] } | null = null;
const computing = new Set<Pointer>();

/** Remembers a call that adds a node to a graph while it runs; other functions come back as they are. */
export function traced<T extends Call>(name: string, signature: string, call: T): T {
  const parameters = /\((.*)\)/.exec(signature)?.[1]?.split(', ') ?? [];
  if (parameters[0] !== 'void* c' || !signature.startsWith('void* ')) return call;
  const tensors = parameters.flatMap((parameter, i) => (i > 0 && parameter.startsWith('void* ') ? [i] : []));
  const wrapped = (...args: never[]): unknown => {
    building = { name, tensors, args };
    const result = call(...args);
    building = null;
    return result;
  };
  return wrapped as T;
}

/** Notes that a graph is being computed until the promise settles. */
export async function computes(graph: Pointer, work: Promise<void>): Promise<void> {
  computing.add(graph);
  try {
    await work;
  } finally {
    computing.delete(graph);
  }
}

/** Has ggml say what it was at before it stops the process. */
export function explainAborts(base: LibraryHandle, g: () => Ggml | null): void {
  const callback = koffi.register(
    (message: string) => {
      // The plain words first: what follows reads native memory.
      writeSync(2, `\n${message}\n`);
      const now = g();
      if (now !== null) writeSync(2, `${ABORTED} ${whereabouts(now)}: ${message.replace(/^.*[/\\](?=[^/\\]+:\d+:)/s, '').trim()}\n`);
    },
    koffi.pointer(koffi.proto('void kelvin_abort(const char* message)')),
  );
  const set = base.func('void* ggml_set_abort_callback(void* f)') as (callback: unknown) => unknown;
  set(callback);
}

/** Begins the line that names the operation. */
export const ABORTED = 'ggml stopped the process';

function whereabouts(g: Ggml): string {
  if (building !== null) {
    const { name, tensors, args } = building;
    const operands = tensors.flatMap((i) => (typeof args[i] === 'bigint' && args[i] !== 0n ? [describeTensor(args[i])] : []));
    return `in ${name} of ${operands.join(' × ')}`;
  }
  const graphs = [...computing].map((graph) => {
    const nodes = Number(g.f.ggml_graph_n_nodes(graph));
    return `a graph of ${nodes} operations that ends in ${describeNode(g, g.f.ggml_graph_node(graph, nodes - 1))}`;
  });
  return graphs.length > 0 ? `while it computed ${graphs.join(' and ')}` : 'in a call of libllama';
}
