import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { encodeDocument, randomDocument, SHOWN_PAIRS, sampleProgram } from '../../src/pretrain/documents.ts';
import { nanoVocabulary } from '../../src/pretrain/vocabulary.ts';
import { nanoSolvePrompt } from '../../src/core/prompts/nano.ts';

const vocabulary = nanoVocabulary();
const OPTIONS = {
  thinkShare: 0.5,
  mix: { deduction: 1, abduction: 1, induction: 1, proposeTriplet: 1, proposeInputs: 1 },
  levels: [1, 1, 1, 1, 1],
  promptWeight: 0.03,
};

describe('the vocabulary', () => {
  it('gives every byte and has no two equal tokens', () => {
    const texts = vocabulary.tokens.flatMap((token) => (token ? [Buffer.from(token).toString('latin1')] : []));
    expect(new Set(texts).size).toBe(texts.length);
    for (let byte = 0; byte < 256; byte++) expect(vocabulary.tokens[byte]).toEqual(Uint8Array.of(byte));
    expect(vocabulary.tokens[vocabulary.eos]).toBeNull();
  });

  it('decodes what it encoded, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => vocabulary.decode(vocabulary.encode(text)) === text.toWellFormed()));
    expect(vocabulary.encode('')).toEqual([]);
  });

  it('takes the longest fragment first', () => {
    expect(vocabulary.encode('<think></think><answer>')).toHaveLength(1);
    expect(vocabulary.encode('<think>b=1')).toHaveLength(3);
    expect(vocabulary.encode('.slice(0,3)').map((id) => vocabulary.decode([id]))).toEqual(['.slice(0,', '3', ')']);
  });
});

describe('documents', () => {
  it('encode and decode exactly, with a weight for each token', () => {
    const random = rng('test/documents');
    for (let i = 0; i < 800; i++) {
      const pieces = randomDocument(OPTIONS, random);
      const { ids, weights } = encodeDocument(pieces, vocabulary);
      expect(vocabulary.decode(ids)).toBe(pieces.map((piece) => piece.text).join(''));
      expect(weights).toHaveLength(ids.length);
      expect(ids.filter((id) => id === vocabulary.eos)).toHaveLength(pieces.filter((piece) => piece.end).length);
    }
  });

  it('weigh every answer and carry no loss on rejected choices', () => {
    const random = rng('test/weights');
    for (let i = 0; i < 300; i++) {
      const { ids, weights } = encodeDocument(randomDocument(OPTIONS, random), vocabulary);
      const close = vocabulary.encode('</answer>')[0];
      ids.forEach((id, at) => {
        if (id === close || id === vocabulary.eos) expect(weights[at]).toBe(1);
      });
    }
  });

  it('nearly always fit the context of the bundled model, and prompts with a full answer do', () => {
    const random = rng('test/context');
    let over = 0;
    for (let i = 0; i < 1000; i++) if (encodeDocument(randomDocument(OPTIONS, random), vocabulary).ids.length > 256) over++;
    expect(over).toBeLessThan(20);
  });

  it('open with exactly the prompt that self-play uses, cut into the same tokens', () => {
    const random = rng('test/prompt');
    for (let i = 0; i < 100; i++) {
      const { program, runs } = sampleProgram(2, 'train', random);
      const base = { id: '', step: 0, parents: [], program: program.source };
      const pairs = runs.map(({ input, output }) => ({ input, output }));
      const prompt = nanoSolvePrompt({ ...base, type: 'induction', pairs, shown: SHOWN_PAIRS, message: program.message });
      const document = encodeDocument(
        [
          { text: prompt, weight: 0 },
          { text: '<think>', weight: 1 },
          { text: '</think><answer>1</answer>', weight: 1, end: true },
        ],
        vocabulary,
      );
      const alone = vocabulary.encode(prompt);
      expect(document.ids.slice(0, alone.length)).toEqual(alone);
    }
  });
});
