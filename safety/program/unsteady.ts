import { LONGEST, MOST } from './lookups.ts';
import type { Claim } from './program.ts';
import { outcome, readRoutine } from './routine.ts';
import type { Routine } from './routine.ts';
import type { Scope } from './scope.ts';
import { each, first, last, some } from './tree.ts';
import type { Part } from './tree.ts';

const CLOCK =
  /^(?:Date\.now|Date|performance\.now|process\.(?:hrtime(?:\.bigint)?|uptime|memoryUsage|cpuUsage)|time\.(?:time|perf_counter|monotonic|process_time|thread_time)(?:_ns)?|datetime(?:\.datetime)?\.(?:now|utcnow|today)|os\.getpid|id|hash)\(\)$/;
const CHANCE = /^(?:Math\.random|random\.(?:random|randint|choice|getrandbits|randrange|uniform)|secrets\.\w+|crypto\.random\w+)\(\)$/;

/** Functions that decide between answers by the clock, by chance or by where a value lies in memory. Measuring time and shuffling are ordinary. */
export function unsteadyAnswers(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (!routine.free || routine.params.size === 0) continue;
    const at = byClock(routine, scope) ?? byChance(routine, scope);
    if (at !== null)
      claims.push({
        name: 'unsteady-answer',
        severity: 2,
        start: at.start,
        end: at.end,
        why: 'Decides its answer by the clock, by chance or by an address.',
      });
  }
  return claims;
}

/** A remainder or bits of the time, used in a condition or in what is returned. */
function byClock(routine: Routine, scope: Scope): Part | null {
  const names = new Set<string>();
  const isTime = (part: Part): boolean =>
    part.kind === 'name'
      ? names.has(part.name)
      : part.kind === 'call' || part.kind === 'new'
        ? part.parts.length === (/^(?:id|hash)$/.test(first(part)?.name ?? '') ? 2 : 1) && CLOCK.test(scope.pathOf(part))
        : false;
  const bits = new Set<string>();
  let found: Part | null = null;
  each(routine.body, (part) => {
    if (
      part.kind === 'assign' &&
      first(part)?.kind === 'name' &&
      last(part) !== undefined &&
      some(last(part) as Part, isTime) &&
      !isElapsed(last(part) as Part, isTime)
    )
      names.add(first(part)?.name ?? '');
    const bitwise =
      part.kind === 'binary' &&
      ['%', '&', '^', '|'].includes(part.name) &&
      part.parts.every((side) => side.value !== 0 && typeof side.value !== 'string' && side.kind !== 'text');
    const dated =
      part.kind === 'binary' &&
      ['<', '>', '<=', '>=', '=='].includes(part.name) &&
      part.parts.some((side) => typeof side.value === 'number');
    const hashed =
      part.kind === 'binary' &&
      some(part, (inner) => inner.kind === 'call' && first(inner)?.name === 'hash') &&
      typeof part.parts[1]?.value !== 'number';
    const parity = (bitwise || dated) && !hashed && part.parts.some((side) => some(side, isTime) && !isElapsed(side, isTime));
    if (!parity && !(part.kind === 'name' && bits.has(part.name))) return;
    const use = usedIn(part);
    if (use?.kind === 'return' || use?.kind === 'if') found ??= part;
    else if (use?.kind === 'assign' && first(use)?.kind === 'name' && first(use) !== part) bits.add(first(use)?.name ?? '');
  });
  return found;
}

/** `now - start`: how long something took. */
function isElapsed(side: Part, isTime: (part: Part) => boolean): boolean {
  return some(side, (part) => part.kind === 'binary' && part.name === '-' && part.parts.some((inner) => some(inner, isTime)));
}

/** The condition, return or assignment that an expression stands in. */
function usedIn(part: Part): Part | null {
  for (let at = part; at.parent !== null; at = at.parent) {
    const up = at.parent;
    if (up.kind === 'return' || up.kind === 'assign' || (up.kind === 'if' && first(up) === at)) return up;
    if (up.kind === 'block' || up.kind === 'function') return null;
  }
  return null;
}

/** Is there a file of this name on the machine? */
function asksForFile(part: Part, scope: Scope): boolean {
  return (
    /^(?:os\.path\.(?:exists|isfile|isdir)|fs\.existsSync)\(\)$/.test(scope.pathOf(part)) &&
    typeof scope.valueOf(part.parts[1]) === 'string'
  );
}

/** `if (Math.random() > 0.9) return null`. */
function byChance(routine: Routine, scope: Scope): Part | null {
  let found: Part | null = null;
  for (const result of routine.results)
    if (
      result.kind === 'call' &&
      /^(?:random|secrets)\.choice\(\)$/.test(scope.pathOf(result)) &&
      result.parts[1]?.kind === 'list' &&
      scope.valueOf(result.parts[1]) === undefined
    )
      return result;
  each(routine.body, (part) => {
    if (part.kind !== 'if') return;
    const test = first(part) as Part;
    const chance = some(test, (inner) => inner.kind === 'call' && (CHANCE.test(scope.pathOf(inner)) || asksForFile(inner, scope)));
    if (!chance) return;
    const then = part.parts[1];
    if (
      part.parent?.kind === 'return' ||
      (then !== undefined && then.kind === 'block' && some(then, (inner) => inner.kind === 'return') && outcome(then) !== undefined) ||
      then?.kind === 'return'
    )
      found ??= part;
  });
  return found;
}
