import { expect, test } from 'vitest';
import { LogPrinter } from '../../../src/cli/render/log-lines.js';
import { colourStyle, plainStyle } from '../../../src/cli/render/style.js';

function printer(options: { prefix?: boolean; colour?: boolean } = {}) {
  const written: string[] = [];
  const style = options.colour === true ? colourStyle : plainStyle;
  const logs = new LogPrinter((text) => written.push(text), { style, prefix: options.prefix ?? true });
  return { logs, output: () => written.join(''), written };
}

test('names known beforehand are padded to one width', () => {
  const { logs, output } = printer();
  logs.register(['web-1', 'database-1']);
  logs.writer('web-1').write(Buffer.from('ready\n'));
  logs.writer('database-1').write(Buffer.from('ready\n'));
  expect(output()).toBe('web-1       | ready\ndatabase-1  | ready\n');
});

test('a line is written whole, however its bytes are cut', () => {
  const { logs, written } = printer();
  const web = logs.writer('web-1');
  const bytes = Buffer.from('grüß\nzwei\n');
  for (const byte of bytes) web.write(Buffer.from([byte]));
  expect(written).toEqual(['web-1  | grüß\n', 'web-1  | zwei\n']);
});

test('the last line without an end is not lost', () => {
  const { logs, output } = printer();
  const web = logs.writer('web-1');
  web.write(Buffer.from('no end'));
  expect(output()).toBe('');
  web.end();
  web.end();
  expect(output()).toBe('web-1  | no end\n');
});

test('colours go round in the order of registration', () => {
  const { logs, output } = printer({ colour: true });
  const names = Array.from({ length: 11 }, (_, index) => `s-${index}`);
  logs.register(names);
  for (const name of names) logs.writer(name).write(Buffer.from('x\n'));
  // eslint-disable-next-line no-control-regex -- escape sequences are what this is about
  const codes = [...output().matchAll(/\u001b\[([\d;]+)m[^\u001b]+\|/g)].map((match) => match[1]);
  expect(codes).toEqual(['36', '33', '32', '35', '34', '1;36', '1;33', '1;32', '1;35', '1;34', '36']);
});

test('without prefix the lines stand as they are', () => {
  const { logs, output } = printer({ prefix: false });
  logs.writer('web-1').write(Buffer.from('a\nb\n'));
  expect(output()).toBe('a\nb\n');
});

test('empty lines keep their prefix', () => {
  const { logs, output } = printer();
  logs.writer('web-1').write(Buffer.from('\n\n'));
  expect(output()).toBe('web-1  | \nweb-1  | \n');
});
