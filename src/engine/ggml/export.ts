/** The trained model as a file that others load: the original GGUF with its F32 tensors replaced, all else kept to the byte. */
import { closeSync, copyFileSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { GgufFile } from './gguf.ts';

export function exportFull(target: string, original: GgufFile, weights: ReadonlyMap<string, Float32Array>): void {
  const temporary = `${target}.${process.pid}.part`;
  try {
    copyFileSync(original.path, temporary);
    const fd = openSync(temporary, 'r+');
    try {
      for (const [name, data] of weights) {
        const entry = original.tensors.get(name);
        if (entry?.bytes !== data.byteLength) throw new RangeError(`${name} has ${data.byteLength} bytes, the file ${entry?.bytes ?? 0}`);
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, entry.offset + done);
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}
