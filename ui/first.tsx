import { Box, Text, render, useInput, useWindowSize } from 'ink';
import { useState } from 'react';
import { panel } from './blocks.ts';
import { keyNames } from './keys.ts';
import { sliceTop } from './layout.ts';
import { styled } from './paint.ts';
import { fill, inline, pad, truncate, wrap } from './text.ts';
import type { Line } from './text.ts';
import { detectTheme } from './theme.ts';
import type { Theme } from './theme.ts';

/** The first run: one question, with the model that comes with Kelvin chosen already. */
export interface Choice {
  readonly name: string;
  readonly note: string;
  /** Configuration that trains it. */
  readonly config: string;
}

const WORDS =
  'Kelvin lets a model invent small programming tasks, solve them, and learn from what the sandbox says of its answers. You watch; a monitor reads every thought and stops the run when it finds one that a person must see.';

export function First({
  choices,
  theme,
  onDone,
}: {
  readonly choices: readonly Choice[];
  readonly theme: Theme;
  readonly onDone: (choice: Choice | null) => void;
}) {
  const [index, setIndex] = useState(0);
  const { columns, rows } = useWindowSize();
  const width = Math.max(20, Math.min(84, columns));
  const room = width - 4;
  useInput((input, key) => {
    for (const name of keyNames(input, { ...key })) {
      if (name === 'enter') onDone(choices[index] ?? null);
      else if (['esc', 'q', 'ctrl+c'].includes(name)) onDone(null);
      else if (['j', 'down', 'tab'].includes(name)) setIndex((at) => Math.min(at + 1, choices.length - 1));
      else if (['k', 'up', 'shift+tab'].includes(name)) setIndex((at) => Math.max(at - 1, 0));
    }
  });
  const text = wrap([{ text: WORDS, tone: 'muted' }], room);
  const height = Math.max(8, Math.min(rows - 2, text.length + choices.length + 7));
  const space = Math.max(1, height - 2 - text.length - 4);
  const top = sliceTop(index, choices.length, space);
  const list = choices.slice(top, top + space).map(({ name, note }, at): Line => {
    const chosen = top + at === index;
    const label = `${chosen ? theme.glyphs.select : ' '} ${pad(truncate(inline(name, theme.ascii), 30, theme.glyphs.ellipsis), 31)}`;
    return fill(
      [{ text: label }, { text: truncate(inline(note, theme.ascii), room - 33, theme.glyphs.ellipsis), tone: 'muted' }],
      room,
      chosen,
    );
  });
  const lines: Line[] = [
    ...text,
    [],
    [{ text: 'Which model shall learn?', tone: 'strong' }],
    ...list,
    [],
    [{ text: 'Enter starts   j k choose   q leaves', tone: 'muted' }],
  ];
  return (
    <Box flexDirection="column" height={Math.max(1, rows - 1)} alignItems="center" justifyContent="center">
      {rows < 12 || columns < 60 ? (
        <Text wrap="truncate-end">{`Enter starts with ${choices[index]?.name ?? ''}`}</Text>
      ) : (
        panel({ title: 'Welcome to Kelvin', width, height, focused: true, theme, lines }).map((line, index) => (
          <Text key={index}>{styled(line, theme)}</Text>
        ))
      )}
    </Box>
  );
}

/** Asks once; null when the person leaves. Needs a terminal at both ends; it is given back before the promise settles. */
export async function askFirst(
  choices: readonly Choice[],
  options: {
    readonly stdin?: NodeJS.ReadStream;
    readonly stdout?: NodeJS.WriteStream;
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<Choice | null> {
  const theme = detectTheme(options.env ?? process.env, process.platform);
  const { promise, resolve } = Promise.withResolvers<Choice | null>();
  const { stdin, stdout } = options;
  const instance = render(<First choices={choices} theme={theme} onDone={resolve} />, {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    alternateScreen: true,
    exitOnCtrlC: false,
    interactive: true,
  });
  // A window that is closed ends Ink without an answer.
  void instance.waitUntilExit().then(() => resolve(null), () => resolve(null)); // prettier-ignore
  try {
    return await promise;
  } finally {
    instance.unmount();
    await instance.waitUntilExit().catch(() => undefined);
  }
}
