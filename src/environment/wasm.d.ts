/** The part of WebAssembly that the sandbox uses; Node's own types leave it to the browser's. */
declare namespace WebAssembly {
  type ImportValue = unknown;
  type Exports = Record<string, unknown>;
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  const Module: {
    new (bytes: Uint8Array): Module;
    imports(module: Module): { module: string; name: string; kind: 'function' | 'table' | 'memory' | 'global' | 'tag' }[];
  };
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Global {
    constructor(descriptor: { value: 'i32'; mutable: boolean }, value: number);
    value: number;
  }
  interface Table {
    get(index: number): unknown;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, ImportValue>>);
    readonly exports: Exports;
  }
  class RuntimeError extends Error {}
  const Exception: new (...args: never[]) => object;
}
