import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonLine } from '../core/inert.ts';
import { EXIT, UsageError } from './exits.ts';
import { ROOT } from './paths.ts';

/** A package of package-lock.json. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package states it. */
  readonly licence: string;
  /** `sha512-…`, base64; null: the lock file holds none. */
  readonly integrity: string | null;
  /** Needed for development only. */
  readonly dev: boolean;
  /** For some platforms only. */
  readonly optional: boolean;
  readonly installScript: boolean;
}

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

/** All packages that the lock file pins, by name. No network is asked. Throws `UsageError` without a lock file. */
export function readDependencies(root = ROOT): Dependency[] {
  const file = join(root, 'package-lock.json');
  if (!existsSync(file)) throw new UsageError(`${file} is missing: the list of dependencies comes from it. Take it from the repository.`);
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      name: entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version ?? '',
      licence: entry.license ?? 'unknown',
      integrity: entry.integrity ?? null,
      dev: entry.dev === true,
      optional: entry.optional === true || entry.devOptional === true,
      installScript: entry.hasInstallScript === true,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** `kelvin licences`: name, version and licence of everything that is installed with Kelvin; `--dev` adds the tools of its tests. */
export function licencesCommand({ dev, json }: { readonly dev: boolean; readonly json: boolean }): number {
  const shown = readDependencies().filter((item) => dev || !item.dev);
  for (const { name, version, licence } of shown)
    process.stdout.write(json ? `${jsonLine({ name, version, licence })}\n` : `${`${name} ${version}`.padEnd(64)} ${licence}\n`);
  if (!json) process.stdout.write(`${shown.length} packages; Kelvin itself: Apache-2.0\n`);
  return EXIT.ok;
}

/** Licences that go together with Apache-2.0 as dependencies. */
const LICENCES = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Python-2.0',
  'MPL-2.0',
]);
/** Packages that may run a script while they are installed: they choose or build a native library. */
const SCRIPTS = new Set(['esbuild', 'koffi', 'node-llama-cpp']);

/** One alternative of `A OR B` is enough. */
const allowed = (licence: string): boolean =>
  licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((one) => one.split(' AND ').every((each) => LICENCES.has(each.trim())));

export interface DependencyReport {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** What is wrong with the pinned packages: a checksum or licence that is missing or not allowed, an unknown install script, a version range. */
export function auditDependencies(dependencies: readonly Dependency[], manifest: { readonly [key: string]: unknown }): DependencyReport {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const { name, version, licence, integrity, optional, installScript } of dependencies) {
    const what = `${name} ${version}`;
    if (!allowed(licence)) problems.push(`${what}: the licence ${licence} is not on the list of allowed ones`);
    if (installScript && !SCRIPTS.has(name)) problems.push(`${what} runs a script when it is installed, and is not known to need one`);
    if (integrity === null || !integrity.startsWith('sha512-'))
      (optional ? warnings : problems).push(`${what} has no SHA-512 in package-lock.json${optional ? ' (it is for other platforms)' : ''}`);
  }
  for (const group of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, range] of Object.entries((manifest[group] ?? {}) as Record<string, string>))
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)) problems.push(`${name}: package.json asks for "${range}"; pin one version`);
  return { problems, warnings };
}

const purl = ({ name, version }: Pick<Dependency, 'name' | 'version'>): string =>
  `pkg:npm/${name.startsWith('@') ? `%40${name.slice(1)}` : name}@${version}`;

/** A bill of materials of what is installed with Kelvin: CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). Equal lock files give equal bytes. */
export function billOfMaterials(dependencies: readonly Dependency[], version: string): object {
  const used = dependencies.filter((item) => !item.dev);
  const components = [...new Map(used.map((item) => [purl(item), item])).values()].map((item) => ({
    type: 'library',
    'bom-ref': purl(item),
    name: item.name,
    version: item.version,
    purl: purl(item),
    scope: item.optional ? 'optional' : 'required',
    licenses: [/[ (]/.test(item.licence) ? { expression: item.licence } : { license: { id: item.licence } }],
    ...(item.integrity?.startsWith('sha512-')
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(item.integrity.slice(7), 'base64').toString('hex') }] }
      : {}),
  }));
  const hash = createHash('sha256').update(JSON.stringify(components)).digest('hex');
  const uuid = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`, hash.slice(20, 32)].join('-');
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': `pkg:npm/kelvin@${version}`,
        name: 'kelvin',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
  };
}
