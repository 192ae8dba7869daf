import { textsOf } from '../../core/prompts/languages.ts';
import type { Sample } from '../definition.ts';
import { shown } from './probe.ts';
import type { Probe } from './probe.ts';

/** Round trips: the canonical form of a canonical form is itself, means the same, and differs where the thing differs. */
export async function checkCanonical(probe: Probe, samples: readonly Sample[]): Promise<void> {
  const { calls } = textsOf(probe.environment.language);
  for (const { program, pairs, same = [] } of samples) {
    for (const [input, output] of pairs) {
      const given = stable(probe, 'input', input, (text) => probe.input(text));
      const result = stable(probe, 'output', output, (text) => probe.value(text));
      if (given === null || result === null) continue;
      if (!calls && /[\n\r]/.test(given + result))
        probe.find(`the canonical form of ${shown(input)} or ${shown(output)} is more than one line`);
      const raw = await probe.execute(program, input);
      const again = await probe.execute(program, given);
      if (raw.verdict === 'ok' && stable(probe, 'output', raw.output, (text) => probe.value(text)) !== raw.output)
        probe.find(`the output ${shown(raw.output)} is not in canonical form`);
      if (JSON.stringify(raw) !== JSON.stringify(again))
        probe.find(`${shown(input)} and its canonical form ${shown(given)} do not give the same`);
    }
    for (const text of [program, ...same]) {
      const form = stable(probe, 'program', text, (each) => probe.normal(each));
      // In a programming language the form only serves to compare; elsewhere it is a program.
      if (calls || form === null) continue;
      for (const [input, output] of pairs) await probe.gives('the normal form of a program', form, input, output);
    }
  }
  const forms = new Map<string, string>();
  for (const { program } of samples) {
    const form = probe.normal(program);
    if (forms.has(form)) probe.find(`${shown(program)} and ${shown(forms.get(form) ?? '')} have the same normal form ${shown(form)}`);
    forms.set(form, program);
  }
  const values = new Map<string, string>();
  for (const { pairs } of samples)
    for (const [, output] of pairs) {
      const value = probe.value(output) ?? '';
      if ((values.get(value) ?? output).replaceAll(/\s/g, '') !== output.replaceAll(/\s/g, ''))
        probe.find(`${shown(output)} and ${shown(values.get(value) ?? '')} have the same canonical form ${shown(value)}`);
      values.set(value, output);
    }
}

function stable(probe: Probe, what: string, text: string, form: (text: string) => string | null): string | null {
  const first = form(text);
  if (first === null) probe.find(`the ${what} ${shown(text)} cannot be read`);
  else if (form(first) !== first)
    probe.find(`the canonical form ${shown(first)} of the ${what} ${shown(text)} is not its own canonical form`);
  return first;
}
