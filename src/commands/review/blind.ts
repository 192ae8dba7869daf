import type { RolloutRecord } from '../../core/events.ts';
import { CATEGORIES } from '../../core/finding.ts';
import type { Category } from '../../core/finding.ts';
import type { FlaggedThought } from '../../core/fold.ts';
import { inline } from '../../core/inert.ts';
import { QUEUE_AT, saysBad } from '../../core/review.ts';
import { rng } from '../../core/rng.ts';
import type { Rng } from '../../core/rng.ts';
import { SCRIPT } from '../../../safety/drills/script.ts';
import type { DrillThought } from '../../../safety/drills/script.ts';
import { TWINS } from '../../../safety/drills/twins.ts';
import { evidence } from './cards.ts';
import { print } from './ordinary.ts';
import type { ReviewScene } from './ordinary.ts';

/** One thought of a blind review. What is known of it stays hidden until it is answered. */
export type BlindItem =
  | { readonly kind: 'flagged'; readonly record: RolloutRecord; readonly findings: readonly FlaggedThought[] }
  | { readonly kind: 'unflagged'; readonly record: RolloutRecord }
  | {
      readonly kind: 'control';
      readonly control: string;
      readonly expected: 'bad' | 'benign';
      readonly category: Category | null;
      readonly record: RolloutRecord;
    };

export interface Pool {
  readonly rollouts: () => number;
  /** The rollout at a position, newest first. */
  readonly at: (position: number) => RolloutRecord | null;
}

const FLAGGED = 0.4;
const CONTROLS = 0.25;

/**
 * A blind review: flagged thoughts, a random sample of the others, and controls of which the answer is known, shuffled
 * and all shown alike. The sample of the others is what recall is estimated from; controls measure the reviewer and
 * touch no statistic of the run. The same seed and reviewer give the same order.
 */
export function blindItems(scene: ReviewScene, pool: Pool, options: { readonly count: number; readonly seed: number }): BlindItem[] {
  const { count, seed } = options;
  const { by } = scene;
  const view = scene.view();
  const chance = rng(seed, 'blind review', by, view.unflagged.length, view.controls.length);
  const mine = new Set([
    ...view.unflagged.filter((item) => item.by === by).map(({ rolloutId }) => rolloutId),
    ...view.flagged.filter((item) => item.reviews.some((review) => review.by === by)).map(({ rolloutId }) => rolloutId),
  ]);
  const queued = view.flagged.filter(({ finding }) => finding.severity >= QUEUE_AT);
  const flaggedIds = new Set(queued.map(({ rolloutId }) => rolloutId));
  const controls = controlItems(
    chance,
    Math.max(1, Math.round(count * CONTROLS)),
    new Set(view.controls.filter((item) => item.by === by).map(({ control }) => control)),
  );
  const flagged = shuffled(
    [...flaggedIds].filter((id) => !mine.has(id)),
    chance,
  )
    .slice(0, Math.round(count * FLAGGED))
    .flatMap((id): BlindItem[] => {
      const record = scene.rollout(id);
      return record ? [{ kind: 'flagged', record, findings: queued.filter(({ rolloutId }) => rolloutId === id) }] : [];
    });
  const others = sample(
    pool,
    chance,
    Math.max(0, count - controls.length - flagged.length),
    (id) => flaggedIds.has(id) || mine.has(id) || id.includes('.drill.'),
  );
  return shuffled<BlindItem>([...flagged, ...others, ...controls], chance);
}

function sample(pool: Pool, chance: Rng, count: number, skip: (id: string) => boolean): BlindItem[] {
  const total = pool.rollouts();
  const taken = new Map<string, RolloutRecord>();
  for (let tries = 0; taken.size < count && tries < 20 * count && total > 0; tries++) {
    const record = pool.at(chance.int(total));
    if (record && !skip(record.rollout.id)) taken.set(record.rollout.id, record);
  }
  return [...taken.values()].map((record) => ({ kind: 'unflagged', record }));
}

function controlItems(chance: Rng, count: number, done: ReadonlySet<string>): BlindItem[] {
  const bad = SCRIPT.filter(({ severity }) => severity >= QUEUE_AT).map((item) => ({
    ...item,
    expected: 'bad' as const,
    category: item.category,
  }));
  const benign = TWINS.map((item) => ({ ...item, expected: 'benign' as const, category: null }));
  const fresh = <T extends { readonly id: string }>(items: readonly T[]): T[] => {
    const left = items.filter(({ id }) => !done.has(id));
    return shuffled(left.length > 0 ? left : items, chance);
  };
  const mixed = [...fresh(bad).slice(0, Math.ceil(count / 2)), ...fresh(benign).slice(0, Math.floor(count / 2))];
  return mixed.map((item) => ({
    kind: 'control',
    control: item.id,
    expected: item.expected,
    category: item.category,
    record: asRecord(item, item.program ?? ANSWERS[chance.int(ANSWERS.length)] ?? ''),
  }));
}

/** A control looks like any other rollout. */
const ANSWERS: readonly string[] = ['1', '[2, 1]', '12', '"ab"', '[3, 4, 4]', 'true'];

const asRecord = (item: Pick<DrillThought, 'id' | 'role' | 'task' | 'thought' | 'program'>, answer: string): RolloutRecord => ({
  rollout: {
    id: item.id, step: 0, role: item.role, taskType: item.task, taskId: null, prompt: '', completion: item.thought, thought: item.thought, answer,
    program: item.program ?? null, promptTokens: [], tokens: [], logprobs: [], stopReason: 'stop', policyVersion: 0,
  },
  outcome: 'wrong', reward: 0, detail: '', severity: 0, advantage: null,
}); // prettier-ignore

function shuffled<T>(items: readonly T[], chance: Rng): T[] {
  const out = [...items];
  for (let at = out.length - 1; at > 0; at--) {
    const other = chance.int(at + 1);
    [out[at], out[other]] = [out[other] as T, out[at] as T];
  }
  return out;
}

const HELP = 'c bad (confirm)   d fine (dismiss)   e bad, and somebody must see it   s skip   o all of the text   q quit';
const LETTERS = 'abcdefghijklm';

/** Asks about each thought; returns how many were answered. */
export async function blindReview(scene: ReviewScene, items: readonly BlindItem[]): Promise<number> {
  const { asker } = scene;
  let given = 0;
  print(asker, [
    `${items.length} thoughts, some flagged, some not, some of them controls whose answer is known. You see what the monitor said after you answer.`,
  ]);
  for (const [at, item] of items.entries()) {
    const label = await ask(scene, item, `${at + 1} of ${items.length}`);
    if (label === 'quit') break;
    if (label === 'skip') continue;
    const category = label === 'dismissed' ? null : await askCategory(scene);
    const reason = (await asker.line('  Why? (Enter: no reason) ')) ?? '';
    if (!(await record(scene, item, { label, category, reason }))) break;
    given++;
    print(asker, reveal(item, label));
  }
  return given;
}

type BlindLabel = 'confirmed' | 'dismissed' | 'escalated';

async function ask({ asker }: ReviewScene, item: BlindItem, place: string): Promise<BlindLabel | 'skip' | 'quit'> {
  const width = Math.max(40, Math.min(asker.columns, 120));
  const { role, taskType } = item.record.rollout;
  const show = (whole: boolean): void =>
    print(asker, [
      '',
      '='.repeat(width),
      `${place}   ${role} ${taskType}`,
      ...evidence(item.record, [], { width, whole, prompt: false }),
      HELP,
    ]);
  show(false);
  const labels: Readonly<Record<string, BlindLabel>> = { c: 'confirmed', a: 'confirmed', d: 'dismissed', e: 'escalated', E: 'escalated' };
  for (;;) {
    const key = await asker.key();
    const label = labels[key];
    if (label !== undefined) return label;
    if (key === 's' || key === 'n') return 'skip';
    if (key === 'q' || key === 'quit') return 'quit';
    if (key === 'o') show(true);
    else asker.write(`  ${HELP}\n`);
  }
}

async function askCategory({ asker }: ReviewScene): Promise<Category | null> {
  print(asker, [`  Which kind? ${CATEGORIES.map((name, at) => `${LETTERS[at]} ${name}`).join('  ')}  (Enter: none of these)`]);
  for (;;) {
    const key = await asker.key();
    if (key === 'enter' || key === 'esc' || key === 'quit') return null;
    const found = CATEGORIES[LETTERS.indexOf(key)];
    if (found !== undefined && key.length === 1) return found;
  }
}

async function record(
  scene: ReviewScene,
  item: BlindItem,
  given: { label: BlindLabel; category: Category | null; reason: string },
): Promise<boolean> {
  const { asker, sink, by } = scene;
  const { label, reason } = given;
  const category = given.category ?? undefined;
  const rolloutId = item.record.rollout.id;
  const commands =
    item.kind === 'control'
      ? [{ command: 'control' as const, control: item.control, expected: item.expected, label, by }]
      : (item.kind === 'flagged' ? item.findings.map(({ index }) => index) : [-1]).map((index) => ({
          command: 'review' as const, rolloutId, index, label, reason, by, blind: true, ...(category ? { category } : {}),
        })); // prettier-ignore
  for (const command of commands) {
    const reply = await sink.send(command);
    if (reply.ok) continue;
    asker.write(`  Not recorded: ${inline(reply.message)}\n`);
    return false;
  }
  return true;
}

function reveal(item: BlindItem, label: BlindLabel): string[] {
  const bad = saysBad(label);
  if (item.kind === 'control') {
    const right = bad === (item.expected === 'bad');
    return [
      `  A control: ${item.expected === 'bad' ? `known bad (${item.category})` : 'known to be harmless'}. ${right ? 'You agree.' : 'You differ.'}`,
    ];
  }
  if (item.kind === 'unflagged')
    return [`  The monitor found nothing of severity ${QUEUE_AT} or more here. ${bad ? 'It counts as missed.' : 'You agree.'}`];
  return item.findings.map(
    ({ finding }) =>
      `  The monitor: severity ${finding.severity} ${finding.category} by ${inline(finding.detector)}. ${bad ? 'You agree.' : 'It counts as a false alarm.'}`,
  );
}
