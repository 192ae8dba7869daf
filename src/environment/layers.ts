import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import type { Layer } from './protocol.ts';

/** Tries, from inside a sandbox process, what an escaped program would try. Touches nothing where the layer is missing. */
export async function probeLayers(): Promise<readonly Layer[]> {
  return [probeFiles(), await probeProcesses(), await probeNetwork(), probeNamespace()];
}

function probeFiles(): Layer {
  const reached: string[] = [];
  try {
    readdirSync(parse(process.cwd()).root);
    reached.push('reads any folder');
  } catch (error) {
    if (!isDenied(error)) reached.push(`meets ${codeOf(error)} instead of a ban on reading`);
  }
  try {
    rmdirSync(mkdtempSync(join(tmpdir(), 'kelvin-probe-')));
    reached.push('writes');
  } catch (error) {
    if (!isDenied(error)) reached.push(`meets ${codeOf(error)} instead of a ban on writing`);
  }
  return layer('files', reached, 'reads only its own program files, writes none');
}

/** A file that is no program: where starting is allowed, this start fails and nothing runs. */
function probeProcesses(): Promise<Layer> {
  const settle = (error: unknown): Layer => layer('processes', isDenied(error) ? [] : ['may start processes'], 'starts no process');
  return new Promise((resolve) => {
    try {
      const child = spawn(join(tmpdir(), 'kelvin-no-such-program'));
      child.on('error', (error) => resolve(settle(error)));
    } catch (error) {
      resolve(settle(error));
    }
  });
}

/** Port 9 of this machine: refused means that a packet went out. */
function probeNetwork(): Promise<Layer> {
  const settle = (error: unknown): Layer => {
    const closed = isDenied(error) || ['ENETUNREACH', 'EADDRNOTAVAIL', 'EPERM', 'EACCES'].includes(codeOf(error));
    return layer('network', closed ? [] : [`reaches the network (${codeOf(error)})`], `reaches no network (${codeOf(error)})`);
  };
  return new Promise((resolve) => {
    try {
      const socket = connect(9, '127.0.0.1');
      socket.on('error', (error) => resolve(settle(error)));
      socket.on('connect', () => {
        socket.destroy();
        resolve(layer('network', ['reaches the network'], ''));
      });
      socket.setTimeout(500, () => {
        socket.destroy();
        resolve(layer('network', ['reaches the network (no answer)'], ''));
      });
    } catch (error) {
      resolve(settle(error));
    }
  });
}

function probeNamespace(): Layer {
  const seen: string[] = [];
  if (process.platform !== 'linux') seen.push(`${process.platform} has none`);
  else {
    if (Object.keys(networkInterfaces()).length > 0) seen.push('shares the network of the machine');
    if (process.pid > 10) seen.push('shares the process table');
  }
  return layer('namespace', seen, 'has its own user, network and process namespace');
}

function layer(name: Layer['name'], reached: readonly string[], fine: string): Layer {
  return { name, holds: reached.length === 0, detail: reached.length === 0 ? fine : reached.join(', ') };
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? error);
}

function isDenied(error: unknown): boolean {
  return codeOf(error) === 'ERR_ACCESS_DENIED';
}
