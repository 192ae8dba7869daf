import { describe, expect, it } from 'vitest';
import { dialectFor } from '../../src/core/prompts/index.ts';
import { fences } from '../../src/core/prompts/chat.ts';
import type { InductionTask, TripletTask } from '../../src/core/types.ts';
import { expectExamplesAccepted } from './examples.ts';

const triplet: TripletTask = {
  id: 't',
  type: 'deduction',
  program: 'function f(a){return a+1}',
  input: '3',
  output: '4',
  step: 1,
  parents: [],
};
const induction: InductionTask = {
  id: 'i',
  type: 'induction',
  program: triplet.program,
  step: 1,
  parents: [],
  shown: 2,
  message: 'add one',
  pairs: [
    { input: '1', output: '2' },
    { input: '5', output: '6' },
    { input: '7', output: '8' },
  ],
};

describe.each(['nano', 'chat', 'brief'])('the six prompts (%s)', (name) => {
  const dialect = dialectFor(name, 'javascript', name === 'brief' ? 'brief' : 'full');

  it('solving shows exactly what the solver may see', () => {
    const deduction = dialect.solvePrompt(triplet);
    expect(deduction).toContain(triplet.program);
    expect(deduction).not.toMatch(/\b4\b/);
    const abduction = dialect.solvePrompt({ ...triplet, type: 'abduction' });
    expect(abduction).toContain('4');
    expect(abduction).not.toMatch(/\b3\b/);
    const program = dialect.solvePrompt(induction);
    expect(program).toContain('add one');
    expect(program).toContain('6');
    expect(program).not.toContain('8');
    expect(program).not.toContain(induction.program);
  });

  it('proposing shows the references', () => {
    for (const type of ['deduction', 'abduction'] as const) {
      const prompt = dialect.proposePrompt(type, [triplet, { ...triplet, program: 'function f(b){return b*2}' }]);
      expect(prompt).toContain(triplet.program);
      expect(prompt).toContain('b*2');
    }
    expect(dialect.proposePrompt('deduction', [])).not.toBe(dialect.proposePrompt('abduction', []));
    expect(dialect.proposeInductionPrompt(triplet.program, 5)).toContain(triplet.program);
  });

  it('garbage is malformed, with a reason', () => {
    for (const text of ['', '\n\n\n', '```', 'a\nb\nc\nd']) {
      const proposal = dialect.parseProposal('deduction', text, 5);
      expect(proposal).toHaveProperty('malformed');
    }
    expect(dialect.parseSolution('deduction', '')).toHaveProperty('malformed');
  });
});

describe('nano answers', () => {
  const dialect = dialectFor('nano', 'javascript');
  it('a proposal is a program line and an input line', () => {
    expect(dialect.parseProposal('abduction', 'function f(a){return a}\n[1,2]', 5)).toEqual({
      type: 'abduction',
      program: 'function f(a){return a}',
      input: '[1,2]',
    });
  });
  it('an induction proposal has the asked number of inputs and a message', () => {
    expect(dialect.parseProposal('induction', '1\n2\nmessage: plus', 2)).toEqual({
      type: 'induction',
      inputs: ['1', '2'],
      message: 'plus',
    });
    expect(dialect.parseProposal('induction', '1\nmessage: plus', 2)).toHaveProperty('malformed');
    expect(dialect.parseProposal('induction', '1\n2\nmessage: ', 2)).toHaveProperty('malformed');
  });
  it('an answer that writes a prompt of its own is malformed', () => {
    expect(dialect.parseSolution('deduction', '4 ### solve')).toHaveProperty('malformed');
  });
});

describe('chat answers', () => {
  const dialect = dialectFor('chat', 'javascript');
  it('takes the fenced blocks', () => {
    const answer = 'Here:\n```javascript\nfunction f(a) { return a }\n```\n```input\n[1], "x"\n```';
    expect(dialect.parseProposal('deduction', answer, 10)).toEqual({
      type: 'deduction',
      program: 'function f(a) { return a }',
      input: '[1], "x"',
    });
    expect(dialect.parseSolution('deduction', '```output\n42\n```')).toEqual({ solution: '42' });
    expect(dialect.parseSolution('deduction', ' 42 ')).toEqual({ solution: '42' });
    expect(dialect.parseSolution('deduction', '```output\n1\n```\n```output\n2\n```')).toHaveProperty('malformed');
  });
  it('is linear on hostile fences', () => {
    expect(fences('```input\n'.repeat(50_000), 'input').length).toBeGreaterThan(0);
  });
  it('frames nothing as a test of a subject', () => {
    const all = dialect.proposePrompt('deduction', []) + dialect.solvePrompt(triplet) + dialect.proposeInductionPrompt('p', 3);
    expect(all).not.toMatch(/I\.?Q|test subject|outsmart/i);
  });
});

describe.each(['javascript', 'python'] as const)('brief answers (%s)', (language) => {
  const dialect = dialectFor('chat', language, 'brief');
  it('every worked example is a reply that the dialect itself accepts', () => expectExamplesAccepted(dialect));
});

describe('brief answers', () => {
  const dialect = dialectFor('chat', 'javascript', 'brief');
  it('a proposal is a function and a call', () => {
    expect(dialect.parseProposal('deduction', 'function f(a){\n  return a\n}\nf([1,2], "x");', 3)).toEqual({
      type: 'deduction',
      program: 'function f(a){\n  return a\n}',
      input: '[1,2], "x"',
    });
    expect(dialect.parseProposal('abduction', '```javascript\nfunction f(a){return a}\nf(1)\n```', 3)).toHaveProperty('program');
    for (const bad of ['f(1)', 'function f(a){return a}', 'function f(a){return a}\nf(1'])
      expect(dialect.parseProposal('deduction', bad, 3), bad).toHaveProperty('malformed');
  });
  it('inputs are calls, the message the last line', () => {
    expect(dialect.parseProposal('induction', 'f(1)\nf("a")\nmessage: it adds', 3)).toEqual({
      type: 'induction',
      inputs: ['1', '"a"'],
      message: 'it adds',
    });
    for (const bad of [
      'f(1)\nf(2)',
      'f(1)\nmessage: m',
      'f(1)\n2\nmessage: m',
      'f(1)\nf(2)\nf(3)\nf(4)\nmessage: m',
      'f(1)\nf(2)\nmessage:',
    ])
      expect(dialect.parseProposal('induction', bad, 3), bad).toHaveProperty('malformed');
  });
  it('an input may stand as a call or bare', () => {
    expect(dialect.parseSolution('abduction', 'f(1, 2)')).toEqual({ solution: '1, 2' });
    expect(dialect.parseSolution('abduction', '[3]')).toEqual({ solution: '[3]' });
    expect(dialect.parseSolution('deduction', '1\n2')).toHaveProperty('malformed');
  });
});
