import { Box, Text } from 'ink';
import type { Line } from '../text.ts';
import { truncate, widthOf } from '../text.ts';
import type { Theme } from '../theme.ts';
import { Lines } from './Lines.tsx';

interface Props {
  readonly title: string;
  /** Shown at the right end of the title row, dropped when it does not fit. */
  readonly note?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly focused?: boolean | undefined;
  readonly alert?: boolean | undefined;
  readonly theme: Theme;
  readonly lines: readonly Line[];
}

/** A bordered pane with its title in the border and one blank column on either side. Titles are sanitised by the caller. */
export function Panel({ title, note = '', width, height, focused = false, alert = false, theme, lines }: Props) {
  const border = alert ? theme.glyphs.alert : theme.glyphs.border;
  const style = theme.styles[alert ? 'bad' : focused ? 'accent' : 'muted'];
  const shown = truncate(title, width - 6, theme.glyphs.ellipsis);
  const room = width - widthOf(shown) - 6;
  const right = note !== '' && widthOf(note) + 3 <= room ? ` ${note} ${border.top}` : '';
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <Text wrap="truncate-end">
        <Text {...style}>{`${border.topLeft}${border.top} `}</Text>
        <Text bold {...(focused || alert ? style : {})}>
          {shown}
        </Text>
        <Text {...style}>{` ${border.top.repeat(Math.max(0, room + 1 - widthOf(right)))}`}</Text>
        <Text {...theme.styles.muted}>{right}</Text>
        <Text {...style}>{border.topRight}</Text>
      </Text>
      <Box
        width={width}
        height={height - 1}
        overflow="hidden"
        paddingX={1}
        borderStyle={border}
        borderTop={false}
        {...(style.color ? { borderColor: style.color } : {})}
        borderDimColor={style.dimColor ?? false}
      >
        <Lines lines={lines.slice(0, Math.max(0, height - 2))} theme={theme} />
      </Box>
    </Box>
  );
}
