/** `hf:` URIs: what file they mean, how large it is and its SHA-256, and the download through node-llama-cpp, which resumes. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../engine/ports.ts';
import { cacheRoot, checkOrigin, modelsFolder, recordOrigin, sha256 } from './cache.ts';
import type { FetchOptions } from './resolve.ts';

/** `hf:user/repo`, `hf:user/repo:TAG` or `hf:user/repo/folder/file.gguf#branch`, taken apart. */
export interface HubUri {
  readonly user: string;
  readonly repo: string;
  /** Quantisation, `latest` when none is named; null for a file. */
  readonly tag: string | null;
  /** Path inside the repository; null for a tag. */
  readonly path: string | null;
  readonly branch: string;
  /** A file of a data set, not of a model. */
  readonly dataset?: boolean;
}

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SPLIT = /-\d{5}-of-\d{5}\.gguf$/i;
/** Without a byte for so long, a download is given up; what came is kept. */
const STALL_MS = 60_000;
const REQUEST_MS = 30_000;
/** Left free on the disk beside the model. */
const SPARE_BYTES = 200e6;

/** @throws EngineError `missing` for what is no such URI. */
export function parseHubUri(uri: string): HubUri {
  const [name = '', branch = 'main'] = uri.replace(/^hf:/, '').split('#');
  const [user = '', second = '', ...rest] = name.split('/');
  const [repo = '', tag] = rest.length > 0 ? [second] : second.split(':');
  const path = rest.length > 0 ? rest.join('/') : null;
  const clean = [user, repo, ...(path?.split('/') ?? [tag ?? 'latest']), branch].every((part) => PART.test(part));
  if (!clean || (path !== null && !path.toLowerCase().endsWith('.gguf')))
    throw new EngineError(
      'missing',
      `"${uri}" names no model. Write hf:user/repo:Q4_K_M for a quantisation or hf:user/repo/file.gguf for a file.`,
    );
  return { user, repo, tag: path === null ? (tag ?? 'latest') : null, path, branch };
}

/** `hf:user/repo/folder/file.jsonl#branch` as a file of a data set. @throws EngineError `missing` for what is no such URI. */
export function parseDatasetUri(uri: string): HubUri {
  const [name = '', branch = 'main'] = uri.replace(/^hf:(?:datasets\/)?/, '').split('#');
  const [user = '', repo = '', ...rest] = name.split('/');
  if (rest.length === 0 || ![user, repo, ...rest, ...branch.split('/')].every((part) => PART.test(part)))
    throw new EngineError('missing', `"${uri}" names no file of a data set. Write hf:user/repo/folder/file.jsonl.`);
  return { user, repo, tag: null, path: rest.join('/'), branch, dataset: true };
}

/** Where files of a repository lie; a file put here by hand is found. Files of data sets keep their folders, whose names tell them apart. */
const hubFolder = ({ user, repo, dataset, path }: HubUri): string =>
  dataset
    ? join(cacheRoot(), 'datasets', 'hf', user, repo, ...(path?.split('/').slice(0, -1) ?? []))
    : join(modelsFolder(), 'hf', user, repo);

const repository = ({ user, repo, dataset }: HubUri): string => `${dataset ? 'datasets/' : ''}${user}/${repo}`;

/**
 * The file of a data set: from the cache, where it is checked against its record, or fetched.
 * @throws EngineError with what to do.
 */
export async function fetchDataset(uri: string, options: HubFetchOptions = {}): Promise<string> {
  const parsed = parseDatasetUri(uri);
  const file = join(hubFolder(parsed), parsed.path?.split('/').at(-1) ?? '');
  if (!existsSync(file)) return await fetchParsed(uri.replace(/^hf:(?:datasets\/)?/, 'hf:datasets/'), parsed, options);
  await checkOrigin(file);
  return file;
}

/** The file of a URI in the cache, or null. A tag finds the file whose name ends in it. */
export function hubCached(uri: string): string | null {
  const parsed = parseHubUri(uri);
  const folder = hubFolder(parsed);
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder).filter((file) => file.toLowerCase().endsWith('.gguf'));
  const tag = parsed.tag?.toLowerCase();
  const wanted = parsed.path?.split('/').at(-1);
  const found = files.find((file) =>
    tag === undefined ? file === wanted : tag === 'latest' || file.toLowerCase().endsWith(`${tag}.gguf`),
  );
  return found === undefined ? null : join(folder, found);
}

/** `HF_ENDPOINT` (a mirror) or the hub itself, with a slash at the end; node-llama-cpp reads the same variable. */
const endpoint = (): string => `${(process.env['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, '')}/`;

export interface HubFetchOptions extends FetchOptions {
  readonly stallMs?: number;
}

interface Remote {
  readonly path: string;
  readonly bytes: number;
  /** Null where the hub gives none. */
  readonly sha256: string | null;
}

/**
 * Downloads the file of a URI into the cache; a partial download goes on where it stopped.
 * @throws EngineError with what to do: no network, unknown repository, disk too small, wrong checksum.
 */
export const fetchHub = async (uri: string, options: HubFetchOptions = {}): Promise<string> =>
  await fetchParsed(uri, parseHubUri(uri), options);

async function fetchParsed(uri: string, parsed: HubUri, options: HubFetchOptions): Promise<string> {
  const folder = hubFolder(parsed);
  const remote = await describeRemote(uri, parsed, folder);
  const name = remote.path.split('/').at(-1) as string;
  const file = join(folder, name);
  if (SPLIT.test(name))
    throw new EngineError(
      'unsupported',
      `${uri} is split into several files, which Kelvin does not read. Choose a smaller quantisation, or join the parts with llama-gguf-split --merge.`,
    );
  mkdirSync(folder, { recursive: true });
  checkSpace(folder, remote.bytes, `${file}.ipull`);
  options.say?.(`Fetching ${name} from ${endpoint()}${repository(parsed)}`);
  const arrived = await download(parsed, remote, folder, options);
  const hash = await sha256(arrived);
  if (remote.sha256 !== null && hash !== remote.sha256) {
    rmSync(arrived);
    throw new EngineError(
      'corrupt',
      `${name} arrived with the SHA-256 ${hash}, but the hub says ${remote.sha256}. The file was deleted; fetch it again.`,
    );
  }
  if (arrived !== file) renameSync(arrived, file);
  await recordOrigin(file, uri, hash);
  return file;
}

async function describeRemote(uri: string, parsed: HubUri, folder: string): Promise<Remote> {
  const { user, repo, tag, branch } = parsed;
  let path = parsed.path;
  if (path === null) {
    // The user agent makes the hub name the file (ggml-org/llama.cpp#11195).
    const manifest = await request(`v2/${user}/${repo}/manifests/${tag ?? 'latest'}`, uri, folder, {
      headers: { 'User-Agent': 'llama-cpp' },
    });
    const { ggufFile } = ((await manifest.json().catch(() => ({}))) ?? {}) as { ggufFile?: { rfilename?: unknown } };
    if (typeof ggufFile?.rfilename !== 'string') throw unknown(uri, `${user}/${repo} has no GGUF file "${tag ?? 'latest'}"`);
    path = ggufFile.rfilename;
    if (!path.split('/').every((part) => PART.test(part))) throw unknown(uri, `the hub names the file "${path.slice(0, 80)}"`);
  }
  const head = await request(`${repository(parsed)}/resolve/${encodeURIComponent(branch)}/${path}`, uri, folder, {
    method: 'HEAD',
    redirect: 'manual',
  });
  const etag = head.headers.get('x-linked-etag')?.replace(/^(W\/)?"|"$/g, '') ?? '';
  const bytes = Number(head.headers.get('x-linked-size') ?? head.headers.get('content-length') ?? 0);
  return { path, bytes, sha256: /^[0-9a-f]{64}$/i.test(etag) ? etag.toLowerCase() : null };
}

async function request(path: string, uri: string, folder: string, init: RequestInit): Promise<Response> {
  const token = process.env['HF_TOKEN'];
  const headers = { ...(init.headers as Record<string, string> | undefined), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response: Response;
  try {
    response = await fetch(endpoint() + path, { ...init, headers, signal: AbortSignal.timeout(REQUEST_MS) });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message;
    throw new EngineError(
      'missing',
      `${endpoint()} cannot be reached (${cause}), so ${uri} was not fetched. Check the network (HF_ENDPOINT names a mirror), or download the file elsewhere and put it into ${folder}.`,
    );
  }
  if (response.status < 400) return response;
  if (response.status === 401 || response.status === 403)
    throw unknown(uri, 'it is private, gated or unknown: accept its terms on the hub and set HF_TOKEN');
  throw unknown(uri, response.status === 404 ? 'the hub does not know it' : `the hub answered ${response.status} ${response.statusText}`);
}

const unknown = (uri: string, why: string): EngineError =>
  new EngineError(
    'missing',
    uri.startsWith('hf:datasets/')
      ? `${uri} cannot be fetched: ${why}. Check user, repository and file, or fetch the file elsewhere and name its path.`
      : `${uri} cannot be fetched: ${why}. Check user, repository, and file or quantisation; kelvin models lists some that work.`,
  );

function checkSpace(folder: string, bytes: number, partial: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const here = existsSync(partial) ? statSync(partial).blocks * 512 : 0;
  const missing = bytes + SPARE_BYTES - here - bavail * bsize;
  if (missing > 0)
    throw new EngineError(
      'missing',
      `The file takes ${gb(bytes)}, but ${folder} has ${gb(bavail * bsize)} free. Free ${gb(missing)}, or set KELVIN_CACHE to a folder on another disk.`,
    );
}

async function download(parsed: HubUri, remote: Remote, folder: string, options: HubFetchOptions): Promise<string> {
  const { createModelDownloader } = await import('node-llama-cpp');
  const stall = new AbortController();
  const { stallMs = STALL_MS } = options;
  let at = 0;
  let timer = setTimeout(() => stall.abort(), stallMs);
  const signal = AbortSignal.any([stall.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    const downloader = await createModelDownloader({
      modelUri: parsed.dataset
        ? `${endpoint()}${repository(parsed)}/resolve/${encodeURIComponent(parsed.branch)}/${remote.path}`
        : `hf:${parsed.user}/${parsed.repo}/${remote.path}${parsed.branch === 'main' ? '' : `#${parsed.branch}`}`,
      dirPath: folder,
      fileName: remote.path.split('/').at(-1) as string,
      deleteTempFileOnCancel: false,
      onProgress: ({ downloadedSize, totalSize }) => {
        if (downloadedSize !== at) {
          at = downloadedSize;
          clearTimeout(timer);
          timer = setTimeout(() => stall.abort(), stallMs);
        }
        options.progress?.(downloadedSize, totalSize);
      },
    });
    // Between two attempts the downloader does not hear that it is to stop.
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error('stopped')), { once: true });
    });
    const file = await Promise.race([downloader.download({ signal }), stopped]);
    // An aborted download may end without a file of its name.
    signal.throwIfAborted();
    return file;
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    const why = stall.signal.aborted ? `no data came for ${Math.round(stallMs / 1000)} s` : (error as Error).message;
    throw new EngineError(
      'missing',
      `The download of ${remote.path} broke off at ${gb(at)} of ${gb(remote.bytes)} (${why}). Run the command again: it goes on from there.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

const gb = (bytes: number): string => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
