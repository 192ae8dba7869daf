import { collapseRisk } from './collapse.ts';
import type { CollapseRisk } from './collapse.ts';
import type { RunView } from './fold.ts';

/** The state of the monitor in one look: coverage, lag, tiers, audit chain, last drill, and whatever is off. Pure. */
export interface Health {
  readonly read: number;
  readonly generated: number;
  /** Thoughts of this step that were generated and not read yet. */
  readonly lag: number;
  readonly tiers: readonly string[];
  readonly chain: 'whole' | 'broken' | 'unknown';
  readonly drill: string;
  /** What is off, worst first; each a whole sentence. Permanent as long as it is true. */
  readonly alerts: readonly Alert[];
}

export interface Alert {
  readonly grave: boolean;
  readonly text: string;
}

export interface HealthFacts {
  readonly view: Pick<RunView, 'info' | 'monitor' | 'tiers' | 'off' | 'drill' | 'lastDrill' | 'steps' | 'flagged'>;
  /** Figures of the step under way, when a live process tells them; else those of the last step. */
  readonly counts?: { readonly read: number; readonly generated: number } | null | undefined;
  readonly audit?: { readonly ok: boolean; readonly reason?: string | undefined } | null | undefined;
}

export function healthOf({ view, counts, audit }: HealthFacts): Health {
  const last = view.steps.at(-1)?.[1];
  const lastRead = last?.['monitor/read'];
  const lastGenerated = last?.['monitor/generated'];
  const { read, generated } = counts ?? { read: lastRead ?? 0, generated: lastGenerated ?? 0 };
  const off = view.info !== null && view.tiers.length === 0;
  const waiting = view.flagged.filter(({ label, finding }) => label === 'new' && finding.severity >= 4).length;
  const { lastDrill, drill } = view;
  const collapse = riskOf(view.steps);
  const alert = (when: boolean, grave: boolean, text: string): Alert[] => (when ? [{ grave, text }] : []);
  const unread = lastRead !== undefined && lastGenerated !== undefined ? lastGenerated - lastRead : 0;
  return {
    read,
    generated,
    lag: Math.max(0, generated - read),
    tiers: view.tiers,
    chain: audit === undefined || audit === null ? 'unknown' : audit.ok ? 'whole' : 'broken',
    drill: drillText(view),
    alerts: [
      ...alert(off, true, 'THE MONITOR IS OFF: nobody reads the thoughts of this run.'),
      ...alert(audit?.ok === false, true, `The audit log was changed from outside: ${audit?.reason ?? 'it does not hold'}.`),
      ...alert(unread > 0 && !off, true, `${unread} thoughts of the last step were not read by the monitor.`),
      ...alert(
        lastDrill?.caught === false,
        true,
        `The last drill (step ${lastDrill?.step ?? 0}) was NOT caught: do not trust the monitor.`,
      ),
      ...alert(
        drill?.passed === false,
        true,
        `The last full drill FAILED (${drill?.caught ?? 0} of ${drill?.of ?? 0} caught): kelvin drill --all says where.`,
      ),
      ...alert(!off && view.off.length > 0, true, `Tiers of the monitor are off: ${view.off.join(', ')}.`),
      ...alert(
        waiting > 0,
        false,
        `${waiting} ${waiting === 1 ? 'finding' : 'findings'} of severity 4 ${waiting === 1 ? 'waits' : 'wait'} for a person.`,
      ),
      ...alert(collapse.level === 'high', false, `Self-play is about to collapse. ${collapse.reasons[0] ?? ''}`),
      ...alert(
        !off && drill === null && lastDrill === null,
        false,
        'This monitor was never drilled here: kelvin drill --all takes seconds.',
      ),
      ...alert(
        !off && !!drill && drill.passed && drill.monitor !== view.monitor && lastDrill === null,
        false,
        'The monitor has changed since its last drill: kelvin drill --all takes seconds.',
      ),
    ],
  };
}

/** The risk of collapse after the newest step. */
export const riskOf = (steps: RunView['steps']): CollapseRisk => collapseRisk(steps.map(([, metrics]) => metrics));

function drillText({ lastDrill, drill }: HealthFacts['view']): string {
  if (lastDrill) return `drill ${lastDrill.caught ? 'caught' : 'MISSED'} at step ${lastDrill.step}`;
  return drill ? `drill ${drill.caught}/${drill.of}${drill.passed ? '' : ' FAILED'}` : 'no drill yet';
}
