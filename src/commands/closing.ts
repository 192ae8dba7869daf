/** Closes what was opened, last first, also after an error (AsyncDisposableStack, which Node 22 does not have yet). */
export class Closing {
  readonly #closers: (() => void | Promise<void>)[] = [];

  defer(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  use<T extends Partial<Disposable & AsyncDisposable>>(resource: T): T {
    this.defer(async () => {
      if (resource[Symbol.asyncDispose]) await resource[Symbol.asyncDispose]?.();
      else resource[Symbol.dispose]?.();
    });
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
