import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { edit, EMPTY_EDITOR, insert, MAX_CHARACTERS, textOf, windowOf } from '../../ui/editor.ts';
import { BINDINGS, helpSections, hints, keyLabel, keyNames, lookup } from '../../ui/keys.ts';
import { keyTables } from '../../ui/keymap.ts';
import type { Context } from '../../ui/keys.ts';

describe('the key map', () => {
  it('gives a key one meaning in one context', () => {
    const seen = new Map<string, string>();
    for (const { keys, contexts, action } of BINDINGS) {
      for (const key of keys) {
        for (const context of contexts) {
          const place = `${context} ${key}`;
          expect(seen.get(place), place).toBeUndefined();
          seen.set(place, action);
        }
      }
    }
  });

  it('shows every binding on the help screen exactly once, except those of dialogs that explain themselves', () => {
    const shown = helpSections().flatMap((section) => section.rows);
    const elsewhere = BINDINGS.filter(({ contexts }) =>
      contexts.every((context) => context === 'confirm' || context === 'prompt' || context === 'palette'),
    );
    expect(shown).toHaveLength(BINDINGS.length - elsewhere.length);
  });

  // KELVIN_RENEW=1 npm test -- test/ui/keys.test.ts writes them anew.
  it('stands in the documentation as it is', () => {
    const file = new URL('../../docs/app.md', import.meta.url);
    const doc = readFileSync(file, 'utf8');
    const part = /(<!-- keys -->\n)[\s\S]*(<!-- \/keys -->)/;
    expect(doc).toMatch(part);
    const renewed = doc.replace(part, (_, open: string, close: string) => `${open}\n${keyTables()}\n${close}`);
    if (process.env['KELVIN_RENEW']) writeFileSync(file, renewed);
    else expect(doc).toBe(renewed);
  });

  it('prefers the specific context', () => {
    expect(lookup(['thoughts', 'screen', 'always'], 'l')?.action).toBe('live');
    expect(lookup(['charts', 'screen', 'always'], 'l')?.action).toBe('right');
    expect(lookup(['quit', 'always'], 'l')?.action).toBe('leave');
    expect(lookup(['quit', 'always'], 'p')).toBeNull();
    const contexts: Context[] = ['safety', 'screen', 'always'];
    for (const { key, action } of hints(contexts)) {
      const raw = BINDINGS.flatMap((binding) => binding.keys).find((name) => keyLabel(name) === key)!;
      expect(lookup(contexts, raw)?.action).toBe(action);
    }
  });
});

describe('keyNames', () => {
  it('reads fast typing letter by letter and unknown sequences as nothing', () => {
    expect(keyNames('gg', {})).toEqual(['g', 'g']);
    expect(keyNames('', { downArrow: true })).toEqual(['down']);
    expect(keyNames('l', { ctrl: true })).toEqual(['ctrl+l']);
    expect(keyNames('', { tab: true, shift: true })).toEqual(['shift+tab']);
    expect(keyNames('[27;5~', {})).toEqual([]);
    expect(keyNames('x', { meta: true })).toEqual([]);
    expect(keyNames('\x00\x07', {})).toEqual([]);
    expect(keyNames('a', { eventType: 'release' })).toEqual([]);
  });
});

describe('the line editor', () => {
  const typed = (...keys: string[]) => keys.reduce((editor, key) => edit(editor, key) ?? editor, EMPTY_EDITOR);

  it('edits by grapheme', () => {
    expect(textOf(typed('a', '👍🏽', 'b', 'left', 'backspace'))).toBe('ab');
    expect(textOf(typed('a', 'b', 'home', 'x', 'end', 'y'))).toBe('xaby');
    expect(textOf(typed('o', 'n', 'e', ' ', 't', 'w', 'o', 'ctrl+w'))).toBe('one ');
    expect(textOf(typed('a', 'b', 'left', 'ctrl+u'))).toBe('b');
    expect(edit(EMPTY_EDITOR, 'backspace')).toEqual(EMPTY_EDITOR);
    expect(edit(EMPTY_EDITOR, 'pageup')).toBeNull();
    expect(edit(EMPTY_EDITOR, 'enter')).toBeNull();
  });

  it('keeps pasted controls out and long pastes short', () => {
    expect(textOf(insert(EMPTY_EDITOR, 'a\x1b[31m\nb\u202e'))).toBe('a[31m b');
    expect(insert(EMPTY_EDITOR, 'x'.repeat(10_000)).chars).toHaveLength(MAX_CHARACTERS);
  });

  it('keeps the cursor in its window', () => {
    const long = insert(EMPTY_EDITOR, 'abcdefghijklmnopqrstuvwxyz');
    const [before, at] = windowOf(long, 10, false);
    expect(before.endsWith('z')).toBe(true);
    expect(at).toBe(' ');
  });
});
