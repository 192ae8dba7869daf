import type { Sample } from '../definition.ts';
import type { KitOptions } from './check.ts';
import { HOSTILE, MARK, mutations, PLAIN } from './hostile.ts';
import { shown } from './probe.ts';
import type { Probe } from './probe.ts';

const HUGE = 1_000_000;

/** Whatever text comes, a verdict comes back, soon, and the host is as before: nothing of it became code. */
export async function checkBounds(probe: Probe, samples: readonly Sample[], { endless = [] }: KitOptions): Promise<void> {
  const [first] = samples;
  const [input = ''] = first?.pairs[0] ?? [];
  const program = first?.program ?? '';
  const before = fingerprint();
  for (const text of [...HOSTILE, ...PLAIN, ...mutations(program), ...mutations(input)]) {
    await probe.execute(text, input);
    await probe.execute(program, text);
    await probe.validate(text, [input]);
    await probe.validate(program, [text]);
    // What reads as a canonical form must be one.
    const [value, given] = [probe.value(text), probe.input(text)];
    if (value !== null && probe.value(value) !== value)
      probe.find(`canonicalValue(${shown(text)}) gives ${shown(value)}, which is not canonical`);
    if (given !== null && probe.input(given) !== given)
      probe.find(`canonicalArguments(${shown(text)}) gives ${shown(given)}, which is not canonical`);
    const form = probe.normal(text);
    if (probe.normal(form) !== form) probe.find(`normalise(${shown(text)}) gives ${shown(form)}, which is not its own normal form`);
  }
  if ((await probe.validate(program, [])).ok) probe.find('a proposal without inputs is accepted');
  for (const one of ['a', '(', '1 ', ' ', program, input].filter((text) => text !== '')) {
    const huge = one.repeat(HUGE / one.length);
    const runs = [await probe.execute(huge, input), await probe.execute(program, huge)];
    if (runs.some(({ verdict }) => verdict === 'ok')) probe.find(`a text of ${HUGE} characters (${shown(one)} repeated) is run`);
    probe.value(huge);
    probe.input(huge);
    probe.normal(huge);
  }
  for (const [code, given] of endless) {
    const { verdict } = await probe.execute(code, given);
    if (verdict === 'ok') probe.find(`${shown(code)} on ${shown(given)} should never end, and gives an output`);
    if ((await probe.validate(code, [given])).ok) probe.find(`${shown(code)} on ${shown(given)} should never end, and is a valid proposal`);
  }
  if (MARK in globalThis) probe.find('a text was evaluated as code: interpret programs, never eval them');
  Reflect.deleteProperty(globalThis, MARK);
  if (fingerprint() !== before) probe.find('a text changed the prototype of all objects');
}

/** What every object inherits. */
const fingerprint = (): string => Reflect.ownKeys(Object.prototype).map(String).sort().join();
