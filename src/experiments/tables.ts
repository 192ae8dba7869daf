import { TASK_TYPES } from '../core/types.ts';
import type { Config } from '../config.ts';
import { curve, finals, gains } from './result.ts';
import type { Group } from './result.ts';
import { estimate, pairedDifference } from './statistics.ts';
import type { BySeed, Estimate } from './statistics.ts';
import type { Table } from './table.ts';

export const GREEDY = 'heldout/greedy';
export const SAMPLED = 'heldout/temp1';
const NONE = '–';

const percent = (value: Estimate | null, sign = ''): string => {
  if (!value) return NONE;
  const plus = sign !== '' && value.mean >= 0 ? sign : '';
  const error = value.error === null ? '' : ` ± ${(100 * value.error).toFixed(1)}`;
  return `${plus}${(100 * value.mean).toFixed(1)}${error}`;
};
const meanOf = (values: BySeed): Estimate | null => estimate([...values.values()]);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Held-out accuracy after training, gain over the untouched model, and how each configuration stands to the first. */
export function comparisonTable(groups: readonly Group[]): Table {
  const [first] = groups;
  return {
    title: 'Held-out accuracy in %, greedy (T = 1: sampled); mean ± standard error over seeds',
    words: 1,
    head: [
      'Configuration',
      'Seeds',
      ...TASK_TYPES.map(capital),
      'Overall',
      'Gain',
      'T = 1',
      'Gain, T = 1',
      `Overall − ${first?.label ?? ''}`,
      `of ${first?.label ?? ''}'s gain`,
      'Tokens',
    ],
    rows: groups.map((group) => {
      const gain = meanOf(gains(group, GREEDY));
      // Of the same seeds, as with the difference.
      const baseline = first ? meanOf(new Map([...gains(first, GREEDY)].filter(([seed]) => gains(group, GREEDY).has(seed)))) : null;
      const tokens = estimate(group.runs.map((run) => run.tokens));
      return [
        group.label,
        String(group.runs.length),
        ...TASK_TYPES.map((type) => percent(meanOf(finals(group, `${GREEDY}/${type}`)))),
        percent(meanOf(finals(group, GREEDY))),
        percent(gain, '+'),
        percent(meanOf(finals(group, SAMPLED))),
        percent(meanOf(gains(group, SAMPLED)), '+'),
        group === first || !first ? NONE : percent(pairedDifference(finals(group, GREEDY), finals(first, GREEDY)), '+'),
        gain && baseline && baseline.mean > 0 ? `${((100 * gain.mean) / baseline.mean).toFixed(0)} %` : NONE,
        tokens ? `${Math.round(tokens.mean / 1000)}k` : NONE,
      ];
    }),
  };
}

/** Ablations in the layout of Absolute Zero, Table 2: what was changed, `/` where it is as in the first row, then the scores. */
export function ablationTable(groups: readonly Group[], configs: readonly Config[]): Table {
  const [full] = configs;
  const [first] = groups;
  return {
    title: 'Ablations: held-out accuracy in %, greedy (T = 1: sampled); mean ± standard error over seeds',
    words: 5,
    head: [
      'Experiment',
      'Task types',
      'References',
      'Trained roles',
      'Other',
      'Seeds',
      ...TASK_TYPES.map(capital),
      'Overall',
      `Overall − ${first?.label ?? ''}`,
      'T = 1',
    ],
    rows: groups.map((group, row) => {
      const config = configs[row];
      const cells = config && full ? settings(config).map((cell, i) => (row > 0 && cell === settings(full)[i] ? '/' : cell)) : [];
      return [
        group.label,
        ...cells,
        String(group.runs.length),
        ...TASK_TYPES.map((type) => percent(meanOf(finals(group, `${GREEDY}/${type}`)))),
        percent(meanOf(finals(group, GREEDY))),
        row === 0 || !first ? NONE : percent(pairedDifference(finals(group, GREEDY), finals(first, GREEDY)), '+'),
        percent(meanOf(finals(group, SAMPLED))),
      ];
    }),
  };
}

/** The first four columns of the paper's table, with all else that the ablations change in the fourth. */
function settings({ algorithm, advantages, reward }: Config): string[] {
  return [
    algorithm.taskTypes.map((type) => capital(type.slice(0, 3))).join(', '),
    String(algorithm.references),
    advantages.proposerWeight > 0 ? 'propose & solve' : 'solve',
    [
      ...(advantages.baselines === 'global' ? ['one baseline'] : []),
      ...(reward.proposer === 'constant' ? ['constant reward'] : []),
      ...(algorithm.bufferCapacity <= 1 ? [`buffer of ${algorithm.bufferCapacity}`] : []),
    ].join(', ') || '/',
  ];
}

/** A metric after each evaluation. */
export function curveTable(groups: readonly Group[], path: string): Table {
  const curves = groups.map((group) => new Map(curve(group, path)));
  const steps = [...new Set(curves.flatMap((points) => [...points.keys()]))].sort((a, b) => a - b);
  return {
    title: `${path} in % by step`,
    words: 1,
    head: ['Configuration', ...steps.map(String)],
    rows: groups.map(({ label }, i) => [label, ...steps.map((step) => percent(curves[i]?.get(step) ?? null))]),
  };
}
