import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSession } from '../../src/commands/session.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { configOf, parts } from '../../scripts/trials/world.ts';
import { scratch } from './samples.ts';

/** Inodes of the sockets that this process holds and that listen on TCP (state 0A in /proc/net/tcp). */
function listeningTcp(): string[] {
  const own = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join('/proc/self/fd', fd)))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  const rows = ['tcp', 'tcp6'].flatMap((name) => readFileSync(join('/proc/net', name), 'utf8').trim().split('\n').slice(1));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap((cells) => (cells[3] === '0A' && own.includes(cells[9] ?? '') ? [cells[9] ?? ''] : []));
}

const everything = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name));

test.skipIf(process.platform !== 'linux')(
  'a run is its owner’s alone: modes, no TCP port, nothing of the environment in what it writes',
  async () => {
    const dir = join(scratch(), 'run');
    const secret = `hf_${'s3cr3t'.repeat(5)}`;
    process.env['HF_TOKEN'] = secret;
    const config = configOf(2, []);
    createRunFolder({ root: dir, runDir: dir, name: 'k', config });
    let looked = 0;
    const before = process.umask(0);
    try {
      await runSession({
        runDir: dir,
        config,
        parts,
        onEvent: ({ type }) => {
          if (type !== 'step' && type !== 'checkpoint') return;
          looked++;
          expect(listeningTcp()).toEqual([]);
          const paths = everything(dir);
          expect(paths.map((path) => path.slice(dir.length + 1))).toEqual(
            expect.arrayContaining(['control.sock', 'journal.sqlite-wal', 'lock.json']),
          );
          for (const path of [dir, ...paths]) {
            const info = lstatSync(path);
            // What is inside a folder that only its owner can enter is out of reach of others, whatever its own mode.
            if (info.isDirectory()) expect([path, info.mode & 0o777]).toEqual([path, 0o700]);
            else if (!path.includes('step-')) expect([path, info.mode & 0o777]).toEqual([path, 0o600]);
          }
        },
      });
    } finally {
      process.umask(before);
      delete process.env['HF_TOKEN'];
    }
    expect(looked).toBeGreaterThan(3);
    for (const path of everything(dir)) {
      if (lstatSync(path).isFile()) expect([path, readFileSync(path).includes(secret)]).toEqual([path, false]);
    }
  },
);
