/**
 * Reads a Python pickle that holds one text and nothing else, the form in which LiveCodeBench publishes its private test
 * cases. A pickle can run code when it is loaded by Python; here only the operations that make a text are known, and any
 * other one is refused, so there is nothing to run. Source: CPython, Lib/pickletools.py (operation codes).
 */
const OP = {
  proto: 0x80,
  frame: 0x95,
  memoize: 0x94,
  binput: 0x71,
  longBinput: 0x72,
  shortText: 0x8c,
  text: 0x58,
  longText: 0x8d,
  stop: 0x2e,
} as const;

/** @throws RangeError with what it found instead of a text. */
export function unpickleText(bytes: Buffer): string {
  let at = 0;
  let value: string | null = null;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new RangeError('it ends in the middle');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const push = (length: number): void => {
    if (value !== null) throw new RangeError('it holds more than one text');
    value = take(length).toString('utf8');
  };
  for (;;) {
    const op = take(1)[0];
    switch (op) {
      case OP.proto:
      case OP.binput:
        take(1);
        break;
      case OP.longBinput:
        take(4);
        break;
      case OP.frame:
        take(8);
        break;
      case OP.memoize:
        break;
      case OP.shortText:
        push(take(1).readUInt8());
        break;
      case OP.text:
        push(take(4).readUInt32LE());
        break;
      case OP.longText: {
        const length = take(8).readBigUInt64LE();
        if (length > BigInt(bytes.length)) throw new RangeError('it ends in the middle');
        push(Number(length));
        break;
      }
      case OP.stop:
        if (value === null) throw new RangeError('it holds no text');
        return value;
      default:
        throw new RangeError(`it holds more than a text (operation 0x${(op ?? 0).toString(16)})`);
    }
  }
}
