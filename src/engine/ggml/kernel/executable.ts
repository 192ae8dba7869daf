/** Puts machine code where the processor may run it: written first, then made executable and read-only, never both. */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import type { Pointer } from '../libraries.ts';

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const PRIVATE_ANONYMOUS = 0x22;

/** Whether this is Linux on an x86-64 processor with AVX2 and FMA. */
export function hasAvx2(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
    return flags.includes('avx2') && flags.includes('fma');
  } catch {
    return false;
  }
}

/** Address of the code, or null where the system does not allow it. The code stays until the process ends. */
export function makeExecutable(code: Uint8Array): Pointer | null {
  try {
    const libc = koffi.load('libc.so.6');
    const map = libc.func('void* mmap(void* a, size_t n, int p, int f, int fd, int64_t o)');
    const protect = libc.func('int mprotect(void* a, size_t n, int p)');
    const copy = libc.func('void* memcpy(void* to, const uint8_t* from, size_t n)');
    const size = Math.ceil(code.length / 4096) * 4096;
    const address = map(null, size, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0) as Pointer | null;
    if (address === null || BigInt.asIntN(64, address) === -1n) return null;
    copy(address, code, code.length);
    return (protect(address, size, READ | EXECUTE) as number) === 0 ? address : null;
  } catch {
    return null;
  }
}
