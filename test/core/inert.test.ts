import { describe, expect, it } from 'vitest';
import { HOSTILE } from './hostile.ts';
import { inline, jsonLine, markdown, markdownBlock, sanitise } from '../../src/core/inert.ts';

// eslint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/u;

describe('hostile text is inert', () => {
  it.each(HOSTILE)('%j', (text) => {
    expect(sanitise(text)).not.toMatch(OBEYED);
    expect(inline(text)).not.toMatch(OBEYED);
    expect(inline(text)).not.toContain('\n');
    const line = jsonLine({ text });
    expect(line).not.toMatch(OBEYED);
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({ text });
    const escaped = markdown(text);
    expect(escaped).not.toMatch(OBEYED);
    expect(escaped).not.toMatch(/[<>[\]()`*_|\n!]|https?:|www\.|evil\.|@/);
    expect(escaped.replaceAll(/&#\d+;/g, '')).not.toContain('&');
    for (const row of markdownBlock(text).split('\n')) expect(row).toMatch(/^ {4}/);
  });
});
