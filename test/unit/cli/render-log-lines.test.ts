import { expect, test } from 'vitest';
import { LogPrinter } from '../../../src/cli/render/log-lines.js';
import { colourStyle, plainStyle } from '../../../src/cli/render/style.js';

function printer(options: { prefix?: boolean; colour?: boolean } = {}) {
  const written: string[] = [];
  const style = options.colour === true ? colourStyle : plainStyle;
  const logs = new LogPrinter((text) => written.push(text), { style, prefix: options.prefix ?? true });
  return { logs, output: () => written.join('') };
}

test('names known beforehand are padded to one width', () => {
  const { logs, output } = printer();
  logs.register(['web-1', 'database-1']);
  logs.line('web-1', 'ready');
  logs.line('database-1', 'ready');
  expect(output()).toBe('web-1       | ready\ndatabase-1  | ready\n');
});

test('names that come later widen what follows', () => {
  const { logs, output } = printer();
  logs.line('web-1', 'a');
  logs.line('database-1', 'b');
  logs.line('web-1', '');
  expect(output()).toBe('web-1  | a\ndatabase-1  | b\nweb-1       | \n');
});

test('colours go round in the order of registration', () => {
  const { logs, output } = printer({ colour: true });
  const names = Array.from({ length: 11 }, (_, index) => `s-${index}`);
  logs.register(names);
  for (const name of names) logs.line(name, 'x');
  // eslint-disable-next-line no-control-regex -- escape sequences are what this is about
  const codes = [...output().matchAll(/\u001b\[([\d;]+)m[^\u001b]+\|/g)].map((match) => match[1]);
  expect(codes).toEqual(['36', '33', '32', '35', '34', '1;36', '1;33', '1;32', '1;35', '1;34', '36']);
});

test('without prefix the lines stand as they are, notices keep their name', () => {
  const { logs, output } = printer({ prefix: false });
  logs.line('web-1', 'a');
  logs.notice('web-1', 'exited with code 0');
  expect(output()).toBe('a\nweb-1 exited with code 0\n');
});

test('what comes while held is written on release, in order', () => {
  const { logs, output } = printer();
  logs.hold();
  logs.line('web-1', 'a');
  logs.line('web-1', 'b');
  expect(output()).toBe('');
  logs.release();
  logs.line('web-1', 'c');
  expect(output()).toBe('web-1  | a\nweb-1  | b\nweb-1  | c\n');
});
