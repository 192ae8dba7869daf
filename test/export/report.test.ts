import { describe, expect, it } from 'vitest';
import { escapeHtml, marked } from '../../src/export/html.ts';
import { htmlReport } from '../../src/export/report.ts';
import { openSource } from '../../src/export/source.ts';
import { chart } from '../../src/export/svg.ts';
import { HOSTILE, sampleRun } from './samples.ts';

/** Names of all tags, in order; throws when one is never closed or a quote is left open. */
function tagsOf(html: string): string[] {
  const tags: string[] = [];
  const open: string[] = [];
  const empty = new Set(['meta', '!doctype', 'circle', 'line', 'polyline']);
  for (const [whole, slash, name] of html.replace(/<style>.*?<\/style>/s, '').matchAll(/<(\/?)([!a-z][a-z0-9]*)(?:\s[^<>]*)?>/gi)) {
    tags.push(name!.toLowerCase());
    if (slash) expect(open.pop()).toBe(name);
    else if (!empty.has(name!) && !whole.endsWith('/>')) open.push(name!);
  }
  expect(open).toEqual([]);
  return tags;
}

describe('HTML report', () => {
  const made = new Date('2026-11-23T08:00:00.000Z');

  it('is one page without script, link or anything from elsewhere, and hostile text in it is text', () => {
    using source = openSource(sampleRun());
    const html = htmlReport(source, made);
    const tags = tagsOf(html);
    for (const tag of ['script', 'img', 'link', 'iframe', 'object', 'a', 'form', 'input']) expect(tags).not.toContain(tag);
    expect(html).not.toMatch(/<[^>]*\son\w+=/i);
    expect(html).not.toMatch(/<[^>]*\s(?:src|href|style)\s*=/i);
    // eslint-disable-next-line no-control-regex
    expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain(escapeHtml(HOSTILE));
  });

  it('shows held-out before and after, charts, marked words, versions and hash', () => {
    using source = openSource(sampleRun());
    const html = htmlReport(source, made);
    expect(html).toContain('<td>heldout/temp1</td><td>25.0 %</td><td>50.0 %</td><td>+25.0 points</td>');
    expect(html.match(/<svg viewBox/g)?.length).toBeGreaterThanOrEqual(3);
    expect(html).toContain(`<mark>${escapeHtml(HOSTILE.slice(0, 7))}</mark>`);
    expect(html).toContain('whole, 3 entries');
    expect(html).toContain('&quot;kelvin&quot;: &quot;0.1.0&quot;');
    expect(html).not.toContain('/home/somebody');
  });

  it('a run that has not begun has a page, too', () => {
    using source = openSource(sampleRun());
    const html = htmlReport(
      { ...source, view: { ...source.view, steps: [], evals: [], flagged: [] }, findings: () => [], starts: [] },
      made,
    );
    expect(html).toContain('No held-out evaluation is recorded.');
    expect(html).toContain('No step is done yet.');
    tagsOf(html);
  });

  it('marks overlapping spans once and nothing outside the text', () => {
    expect(marked('a<b>c', [{ start: 1, end: 3 }, { start: 2, end: 4 }])).toBe('a<mark>&lt;</mark><mark>b</mark><mark>&gt;</mark>c'); // prettier-ignore
    expect(marked('abc', [{ start: -5, end: 99 }])).toBe('<mark>abc</mark>');
    expect(marked('abc', [])).toBe('abc');
  });
});

describe('chart', () => {
  it('leaves out what is not finite and keeps a spike among many values', () => {
    expect(chart('t', [{ label: 'a', points: [[1, NaN]] }])).toBeNull();
    const values = Array.from({ length: 10_000 }, (_, step) => [step, step === 5003 ? 100 : 0] as const);
    const svg = chart('t', [{ label: '<a>', points: values }])!;
    const drawn = /points="([^"]*)"/.exec(svg)![1]!.split(' ');
    expect(drawn.length).toBeLessThanOrEqual(600);
    expect(Math.min(...drawn.map((pair) => Number(pair.split(',')[1])))).toBe(10);
    expect(svg).toContain('&lt;a&gt;');
  });

  it('one value, or equal values, still give a chart', () => {
    expect(chart('t', [{ label: 'a', points: [[1, 2]] }])).toContain('<circle');
    expect(chart('t', [{ label: 'a', points: [[1, 2], [2, 2]] }])).not.toContain('NaN'); // prettier-ignore
  });
});
