import { describe, expect, it } from 'vitest';
import { inline, jsonLine, markdown, markdownBlock, sanitise } from '../../src/core/inert.ts';

export const HOSTILE: readonly string[] = [
  '\u001b[2J\u001b]0;owned\u0007 cleared',
  'left \u202e thgir \u2066 isolate \u2069',
  '\u009b31m C1 \u0085 \u2028 \u2029 \u0000 \r',
  'zero\u200bwidth\ufeff and tags \u{e0041}\u{e0042}',
  '<script>alert(1)</script> <img src=x onerror=alert(1)> <!-- -->',
  '[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example> https://evil.example www.evil.example a@evil.example',
  '```\n# heading\n| a | b |\n- list\n1. one\n> quote\n\n---\n~~~\n    code\n\\*',
  '&lt;b&gt; &#60;script&#62; &copy;',
  '\ud800 lone surrogate',
];
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
