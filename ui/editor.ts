import { sanitise } from './text.ts';

/** A line of text being typed: grapheme by grapheme, controls never enter it. Pure. */
export interface Editor {
  /** One element per grapheme. */
  readonly chars: readonly string[];
  /** Between 0 and `chars.length`. */
  readonly cursor: number;
}

export const EMPTY_EDITOR: Editor = { chars: [], cursor: 0 };
/** A reason is a sentence or two; a pasted book is cut. */
export const MAX_CHARACTERS = 500;

const graphemes = (text: string): string[] => [...new Intl.Segmenter().segment(text)].map((part) => part.segment);

/** Typed or pasted text, on one line, without controls. */
export function insert(editor: Editor, text: string): Editor {
  const clean = text.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '');
  const added = graphemes(clean).slice(0, MAX_CHARACTERS - editor.chars.length);
  return {
    chars: [...editor.chars.slice(0, editor.cursor), ...added, ...editor.chars.slice(editor.cursor)],
    cursor: editor.cursor + added.length,
  };
}

export const editorOf = (text: string): Editor => insert(EMPTY_EDITOR, text);
export const textOf = (editor: Editor): string => editor.chars.join('');

/** The editor after a named key; null when the key is not an editing key. */
export function edit(editor: Editor, key: string): Editor | null {
  const { chars, cursor } = editor;
  switch (key) {
    case 'backspace':
    case 'delete': // Most terminals send DEL for the backspace key.
      return cursor === 0 ? editor : { chars: chars.toSpliced(cursor - 1, 1), cursor: cursor - 1 };
    case 'left':
      return { chars, cursor: Math.max(0, cursor - 1) };
    case 'right':
      return { chars, cursor: Math.min(chars.length, cursor + 1) };
    case 'home':
    case 'ctrl+a':
      return { chars, cursor: 0 };
    case 'end':
    case 'ctrl+e':
      return { chars, cursor: chars.length };
    case 'ctrl+u':
      return { chars: chars.slice(cursor), cursor: 0 };
    case 'ctrl+w': {
      const before = chars
        .slice(0, cursor)
        .join('')
        .replace(/\S+\s*$/, '');
      const kept = graphemes(before);
      return { chars: [...kept, ...chars.slice(cursor)], cursor: kept.length };
    }
    default:
      return graphemes(key).length === 1 ? insert(editor, key) : null;
  }
}

/** What of the text is visible in `width` cells around the cursor: before, at, after. */
export function windowOf(editor: Editor, width: number, ascii: boolean): readonly [string, string, string] {
  // Half the cells are enough for wide characters; the pane cuts what is left over.
  const from = Math.max(0, editor.cursor - Math.max(1, width - 2));
  const part = (a: number, b: number): string => sanitise(editor.chars.slice(a, b).join(''), ascii);
  return [part(from, editor.cursor), part(editor.cursor, editor.cursor + 1) || ' ', part(editor.cursor + 1, from + width)];
}
