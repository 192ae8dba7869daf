import { expect, it } from 'vitest';
import { detectTheme } from '../../ui/theme.ts';

const utf8 = { LANG: 'en_GB.UTF-8', TERM: 'xterm-256color' };

it('draws ASCII where the terminal may not know more', () => {
  expect(detectTheme(utf8, 'linux').ascii).toBe(false);
  expect(detectTheme({ LANG: 'C', TERM: 'xterm' }, 'linux').ascii).toBe(true);
  expect(detectTheme({ ...utf8, LC_ALL: 'POSIX' }, 'linux').ascii).toBe(true);
  expect(detectTheme({ ...utf8, TERM: 'linux' }, 'linux').ascii).toBe(true);
  expect(detectTheme({ TERM: 'xterm' }, 'darwin').ascii).toBe(false);
  expect(detectTheme({}, 'linux').ascii).toBe(true);
  expect(detectTheme({ ...utf8, KELVIN_ASCII: '1' }, 'linux').ascii).toBe(true);
  expect(detectTheme({ LANG: 'C', KELVIN_ASCII: '0' }, 'linux').ascii).toBe(false);
  expect(detectTheme(utf8, 'linux', { ascii: true }).ascii).toBe(true);
});

it('uses no colour when asked not to, whatever else is set', () => {
  expect(detectTheme({ ...utf8, NO_COLOR: '1', KELVIN_THEME: 'light' }, 'linux', { name: 'dark' }).name).toBe('mono');
  expect(detectTheme({ ...utf8, NO_COLOR: '' }, 'linux').name).toBe('dark');
  for (const style of Object.values(detectTheme({ ...utf8, TERM: 'dumb' }, 'linux').styles)) expect(style.color).toBeUndefined();
});

it('finds a light background', () => {
  expect(detectTheme({ ...utf8, COLORFGBG: '0;15' }, 'linux').name).toBe('light');
  expect(detectTheme({ ...utf8, COLORFGBG: '15;0' }, 'linux').name).toBe('dark');
  expect(detectTheme({ ...utf8, KELVIN_THEME: 'nonsense' }, 'linux').name).toBe('dark');
});
