import type { RolloutRecord } from '../../core/events.ts';
import type { FlaggedThought, RunView } from '../../core/fold.ts';
import { inline } from '../../core/inert.ts';
import { reviewQueue } from '../../core/review.ts';
import { claimLines, evidence } from './cards.ts';
import type { ReviewSink } from './sink.ts';
import type { Asker } from './terminal.ts';

export interface ReviewScene {
  readonly asker: Asker;
  readonly sink: ReviewSink;
  /** The run as its journal says now. */
  readonly view: () => RunView;
  readonly rollout: (id: string) => RolloutRecord | null;
  readonly by: string;
}

export const print = (asker: Asker, lines: readonly string[]): void => asker.write(`${lines.join('\n')}\n`);

const HELP = 'c confirm   d dismiss   e escalate   u undo   n next   p previous   o all of the text   ? help   q quit';
const MEANING = [
  '  confirm: it is what it says. dismiss: a false alarm (say why). escalate: real, and somebody else must see it (say why).',
  '  undo: takes your own label back. Nothing you say here changes a reward, an update or a threshold.',
];

/** Walks through the findings; each answer is recorded as it is given. Returns how many were. */
export async function ordinaryReview(scene: ReviewScene, options: { readonly all: boolean; readonly from: number }): Promise<number> {
  const { asker, sink, by } = scene;
  const items = reviewQueue(scene.view().flagged, options).map(({ rolloutId, index }) => ({ rolloutId, index }));
  let given = 0;
  let at = 0;
  let whole = false;
  while (at < items.length) {
    const key = items[at] as (typeof items)[number];
    const flagged = scene.view().flagged;
    const item = flagged.find((other) => other.rolloutId === key.rolloutId && other.index === key.index);
    if (!item) {
      at++;
      continue;
    }
    print(asker, card(scene, item, { at, of: items.length, whole }));
    whole = false;
    const moved = await answer(scene, item);
    if (moved === 'quit') break;
    if (moved === 'whole') whole = true;
    else if (moved === 'next') at++;
    else if (moved === 'previous') at = Math.max(0, at - 1);
    else if (moved !== 'stay') {
      const reply = await sink.send({ command: 'review', rolloutId: item.rolloutId, index: item.index, by, ...moved });
      asker.write(
        reply.ok
          ? `  ${moved.label === 'new' ? 'Taken back' : `Recorded as ${moved.label}`}.\n`
          : `  Not recorded: ${inline(reply.message)}\n`,
      );
      if (reply.ok) given++;
      if (reply.ok && moved.label !== 'new') at++;
    }
  }
  return given;
}

function card({ asker, view, rollout }: ReviewScene, item: FlaggedThought, place: { at: number; of: number; whole: boolean }): string[] {
  const width = Math.max(40, Math.min(asker.columns, 120));
  const record = rollout(item.rolloutId);
  const found = view().flagged.filter(({ rolloutId }) => rolloutId === item.rolloutId);
  return [
    '',
    `${'='.repeat(width)}`,
    `${place.at + 1} of ${place.of}   step ${item.step}   ${inline(item.rolloutId)}   [${item.label}]`,
    ...claimLines(item, width),
    ...(record ? evidence(record, found, { width, whole: place.whole, prompt: true }) : ['  (the rollout is not in the journal)']),
    HELP,
  ];
}

type Answer =
  | 'quit'
  | 'next'
  | 'previous'
  | 'whole'
  | 'stay'
  | { readonly label: 'new' | 'confirmed' | 'dismissed' | 'escalated'; readonly reason: string };

async function answer({ asker, by }: ReviewScene, item: FlaggedThought): Promise<Answer> {
  for (;;) {
    switch (await asker.key()) {
      case 'c':
      case 'a': {
        const reason = await asker.line('  Why? (Enter: no reason, Esc: back) ');
        return reason === null ? 'stay' : { label: 'confirmed', reason };
      }
      case 'd':
        return await withReason(asker, 'dismissed');
      case 'e':
      case 'E':
        return await withReason(asker, 'escalated');
      case 'u':
        if (item.reviews.some((review) => review.by === by)) return { label: 'new', reason: '' };
        asker.write('  You have not labelled this finding.\n');
        break;
      case 'n':
      case 'j':
      case ' ':
        return 'next';
      case 'p':
      case 'k':
        return 'previous';
      case 'o':
        return 'whole';
      case 'q':
      case 'quit':
        return 'quit';
      case '?':
        print(asker, [HELP, ...MEANING]);
        break;
      default:
        asker.write(`  ${HELP}\n`);
    }
  }
}

async function withReason(asker: Asker, label: 'dismissed' | 'escalated'): Promise<Answer> {
  for (;;) {
    const reason = await asker.line(`  ${label === 'dismissed' ? 'A false alarm: why?' : 'Escalate: why?'} (Esc: back) `);
    if (reason === null) return 'stay';
    if (reason !== '') return { label, reason };
    asker.write('  A reason is needed: it goes into the audit log.\n');
  }
}
