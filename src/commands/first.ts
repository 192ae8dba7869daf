import { CATALOGUE } from '../models/catalogue.ts';
import { listRuns } from '../record/folder.ts';
import { DEFAULT_CONFIG } from './train.ts';

/** Whether nothing was ever trained here and nobody said with what: then one question is asked. */
export const isFirst = (root: string, asked: Readonly<Record<string, unknown>>): boolean =>
  ['config', 'set', 'steps', 'seed', 'runDir'].every((name) => asked[name] === undefined) && listRuns(root).length === 0;

/** The configuration that the person chose; null when they left. */
export async function firstConfig(): Promise<string | null> {
  const { askFirst } = await import('../../ui/first.tsx');
  const others = CATALOGUE.flatMap(({ name, config, quantisation }) =>
    config ? [{ name, config, note: `${quantisation}, fetched when it is not here` }] : [],
  );
  const choice = await askFirst([
    { name: 'nano (comes with Kelvin)', config: DEFAULT_CONFIG, note: 'here; learns in a few minutes on any laptop' },
    ...others,
  ]);
  return choice?.config ?? null;
}
