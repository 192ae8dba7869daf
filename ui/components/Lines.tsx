import { Box, Text } from 'ink';
import { memo } from 'react';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

interface Props {
  readonly lines: readonly Line[];
  readonly theme: Theme;
}

const Row = memo(({ line, theme }: { readonly line: Line; readonly theme: Theme }) => (
  <Text wrap="truncate-end">
    {line.length === 0
      ? ' '
      : line.map((span, index) => (
          <Text key={index} {...(span.tone ? theme.styles[span.tone] : {})} inverse={span.inverse ?? false}>
            {span.text}
          </Text>
        ))}
  </Text>
));

/** Sanitised lines, one row each. */
export const Lines = memo(({ lines, theme }: Props) => (
  <Box flexDirection="column">
    {lines.map((line, index) => (
      <Row key={index} line={line} theme={theme} />
    ))}
  </Box>
));
