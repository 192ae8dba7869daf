import { textsOf } from '../../core/prompts/languages.ts';
import type { InductionTask, TripletTask } from '../../core/types.ts';
import type { Sample } from '../definition.ts';
import { verifyAnswer } from '../verify.ts';
import { HOSTILE, mutations } from './hostile.ts';
import { shown } from './probe.ts';
import type { Probe } from './probe.ts';

/**
 * Verifier soundness: right answers of all three task types pass, wrong ones do not. What is wrong follows from the samples
 * (another sample's output, an input with another output, a program listed as wrong) and from texts that differ in more
 * than spelling.
 */
export async function checkAnswers(probe: Probe, samples: readonly Sample[]): Promise<void> {
  const outputs = [...new Set(samples.flatMap(({ pairs }) => pairs.map(([, output]) => output)))];
  for (const sample of samples) {
    for (const [input, output] of sample.pairs) await probe.gives('a sample', sample.program, input, output);
    await checkDeduction(probe, sample, outputs);
    await checkAbduction(probe, sample);
    await checkInduction(probe, sample);
    await checkProposal(probe, sample);
  }
}

const base = { id: 'kit', step: 0, parents: [] };

function triplet(type: TripletTask['type'], program: string, input: string, output: string, probe: Probe): TripletTask {
  return { ...base, type, program, input: probe.input(input) ?? input, output: probe.value(output) ?? output };
}

async function expect(probe: Probe, task: TripletTask | InductionTask, answer: string, right: boolean): Promise<void> {
  const { correct, detail } = await verifyAnswer(probe.environment, task, answer);
  const about = task.type === 'induction' ? `the pairs of ${shown(task.program)}` : `${task.type} on ${shown(task.program)}`;
  if (correct !== right)
    probe.find(`${right ? 'refuses the right' : 'accepts the wrong'} answer ${shown(answer)} to ${about}${right ? `: ${detail}` : ''}`);
}

async function checkDeduction(probe: Probe, { program, pairs }: Sample, outputs: readonly string[]): Promise<void> {
  for (const [input, output] of pairs) {
    const task = triplet('deduction', program, input, output, probe);
    await expect(probe, task, output, true);
    await expect(probe, task, ` ${task.output}\n`, true);
    const others = [...outputs, ...mutations(output), ...HOSTILE].filter((text) => bare(text) !== bare(output));
    for (const text of others) await expect(probe, task, text, false);
  }
}

async function checkAbduction(probe: Probe, { program, pairs }: Sample): Promise<void> {
  for (const [given, output] of pairs) {
    const task = triplet('abduction', program, given, output, probe);
    for (const [input, result] of pairs) await expect(probe, task, input, result === output);
  }
}

async function checkInduction(probe: Probe, { program, pairs, same = [], wrong = [] }: Sample): Promise<void> {
  const known = pairs.map(([input, output]) => ({ input: probe.input(input) ?? input, output: probe.value(output) ?? output }));
  const task: InductionTask = { ...base, type: 'induction', program, pairs: known, shown: 1, message: '' };
  const right = [program, ...same];
  for (const answer of right) await expect(probe, task, answer, true);
  if (!textsOf(probe.environment.language).calls)
    for (const garbage of [' §', ' <end>', '\n§']) await expect(probe, task, program + garbage, false);
  const forms = new Set(right.map((text) => probe.normal(text)));
  for (const answer of [...wrong, ...HOSTILE.filter((text) => !forms.has(probe.normal(text)))]) await expect(probe, task, answer, false);
}

/** Some pair of every sample is a task that may be proposed, and what validation says of it is what execution says. */
async function checkProposal(probe: Probe, { program, pairs }: Sample): Promise<void> {
  const verdicts = [];
  for (const [input, output] of pairs) {
    const verdict = await probe.validate(program, [input]);
    verdicts.push(verdict);
    const [pair] = verdict.ok ? verdict.pairs : [];
    if (pair && !probe.same(pair.output, probe.value(output) ?? output))
      probe.find(`validate(${shown(program)}, [${shown(input)}]) gives ${shown(pair.output)}, not ${shown(output)}`);
    if (pair && pair.input !== probe.input(input))
      probe.find(`validate(${shown(program)}) gives the input ${shown(pair.input)}, not its canonical form`);
  }
  if (!verdicts.some(({ ok }) => ok))
    probe.find(`no pair of ${shown(program)} may be proposed: ${verdicts.map((it) => (it.ok ? '' : it.detail)).join(' ')}`);
}

/** What is left without spelling: space, separators, brackets, quotes, and zeros that do not count. */
const bare = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[\s,;:=(){}[\]"'`\u200b\ufeff]+/g, '')
    .replaceAll(/(\.\d*?)0+(?!\d)/g, '$1')
    .replaceAll(/\.(?!\d)/g, (dot, at: number, all: string) => (/\d/.test(all[at - 1] ?? '') ? '' : dot))
    .replaceAll(/(?<!\d|\.)0+(?=\d)/g, '');
