import quickJsNg from '@jitl/quickjs-ng-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant } from 'quickjs-emscripten-core';
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSSyncVariant } from 'quickjs-emscripten-core';
import { gateImports } from './gate.ts';
import type { Gate, SandboxModule, Surroundings } from './gate.ts';
import { ENCODER_SOURCE, GUEST_PRELUDE, GUEST_PROTOTYPES } from './guest.ts';
import { MemoryImage } from './image.ts';
import { FUEL_EXPORT, STACK_EXPORT } from './instrument.ts';
import type { EnvironmentLimits } from '../port.ts';

/** A booted QuickJS with the program's realm, the encoder's realm, and the image of its memory. */
export interface QuickJs {
  readonly runtime: QuickJSRuntime;
  readonly guest: QuickJSContext;
  readonly encoder: QuickJSContext;
  readonly call: QuickJSHandle;
  readonly encode: QuickJSHandle;
  readonly describe: QuickJSHandle;
  readonly gate: Gate;
  /** Bytes of linear memory now; grows only. */
  readonly memoryBytes: () => number;
  /** What the program may still compute; below zero it was trapped (instrument.ts). */
  readonly fuel: Counter;
  /** Puts the memory back to what it was at boot: the next program meets a fresh interpreter. */
  readonly image: MemoryImage;
}

export interface QuickJsOptions extends Surroundings {
  readonly sandbox: SandboxModule;
  readonly limits: EnvironmentLimits;
  /** Bytes allocated before the image is taken, so that two images differ in where things lie. */
  readonly padding: number;
  readonly onInterrupt: () => boolean;
}

const PAGE = 65_536;
/** The package's types describe its CommonJS form, where the variant is one `default` deeper. */
const VARIANT = quickJsNg as unknown as QuickJSSyncVariant;

/** Boots an interpreter and takes its image. Throws when the import gate does not hold. */
export async function openQuickJs(options: QuickJsOptions): Promise<QuickJs> {
  const { sandbox, limits } = options;
  // QuickJS counts what it allocates; the cap on the memory itself holds whatever QuickJS believes.
  const maximum = sandbox.pages + Math.ceil(((limits.memoryMb * 1.5 + 8) * 1_048_576) / PAGE);
  const memory = new WebAssembly.Memory({ initial: sandbox.pages, maximum });
  let gate: Gate | null = null;
  let meters: Meters | null = null;
  const gated = newVariant(VARIANT, {
    wasmMemory: memory,
    emscriptenModule: {
      instantiateWasm(imports, onSuccess) {
        const wrapped = gateImports(imports as Parameters<typeof gateImports>[0], memory, options);
        gate = wrapped.gate;
        const instance = new WebAssembly.Instance(sandbox.module, wrapped.imports);
        meters = readMeters(instance);
        meters.fuel.value = BOOT_FUEL;
        onSuccess(instance);
        return instance.exports;
      },
    },
  });
  const quickjs = await newQuickJSWASMModuleFromVariant(gated);
  if (gate === null || meters === null)
    throw new Error('The JavaScript sandbox was loaded past its import gate; reinstall the dependencies.');
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(limits.memoryMb * 1_048_576 + options.padding);
  runtime.setMaxStackSize(limits.stackKb * 1_024);
  runtime.setInterruptHandler(options.onInterrupt);
  const encoder = runtime.newContext();
  const guest = runtime.newContext();
  guest.newArrayBuffer(new ArrayBuffer(options.padding));
  guest.unwrapResult(guest.evalCode(GUEST_PRELUDE, 'prelude.js', { type: 'global' }));
  const tools = encoder.unwrapResult(encoder.evalCode(ENCODER_SOURCE, 'kelvin', { type: 'global' }));
  const tool = (name: string): QuickJSHandle => encoder.getProp(tools, name);
  const prototypes = guest.unwrapResult(guest.evalCode(GUEST_PROTOTYPES, 'prelude.js', { type: 'global' }));
  encoder.unwrapResult(encoder.callFunction(tool('bind'), encoder.undefined, prototypes));
  // The library looks up the realm of a finished job through a view that heap growth detaches; it then asks for `undefined`.
  (runtime as unknown as { contextMap: Map<unknown, QuickJSContext> }).contextMap.set(undefined, guest);
  checkGate(guest, gate, options.clockMs);
  const interpreter = {
    runtime,
    guest,
    encoder,
    call: tool('call'),
    encode: tool('encode'),
    describe: tool('describe'),
    gate: gate as Gate,
  };
  (gate as Gate).lock();
  return {
    ...interpreter,
    memoryBytes: () => memory.buffer.byteLength,
    fuel: (meters as Meters).fuel,
    image: new MemoryImage(memory, (meters as Meters).stackPointer, limits.stackKb * 1_024),
  };
}

interface Meters {
  readonly fuel: Counter;
  readonly stackPointer: { value: number };
}

/** A 64-bit global. */
interface Counter {
  value: bigint;
}

const BOOT_FUEL = 1n << 60n;

function readMeters({ exports }: WebAssembly.Instance): Meters {
  return { fuel: exports[FUEL_EXPORT] as Counter, stackPointer: exports[STACK_EXPORT] as { value: number } };
}

/** The clock must be ours, both marks must appear, and UTC must hold. */
function checkGate(guest: QuickJSContext, gate: Gate, clockMs: number): void {
  gate.reset();
  const source = '[Date.now(), new Date(2020, 6, 1).getTime(), Math.random() < 1]';
  const seen = guest.dump(guest.unwrapResult(guest.evalCode(source, 'check.js', { type: 'global' }))) as unknown;
  if (!gate.clockRead || !gate.chanceDrawn || JSON.stringify(seen) !== JSON.stringify([clockMs, Date.UTC(2020, 6, 1), true])) {
    throw new Error('The import gate of the JavaScript sandbox does not hold; reinstall the dependencies.');
  }
}
