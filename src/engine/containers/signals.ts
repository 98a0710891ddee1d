import { constants } from 'node:os';
import { TscomposeError } from '../../base/errors.js';
import './errors.js';

/** The number of `TERM`, `SIGTERM`, `15` or `RTMIN+3`. @throws `container/invalid-signal` */
export function parseSignal(text: string): number {
  const name = text.trim().toUpperCase().replace(/^SIG/, '');
  const number = /^\d+$/.test(name) ? Number(name) : (named(name) ?? realTime(name));
  if (number !== undefined && number >= 1 && number <= 64) return number;
  throw new TscomposeError({
    code: 'container/invalid-signal',
    message: `invalid signal: ${text}`,
    facts: { signal: text },
  });
}

function named(name: string): number | undefined {
  const all: Readonly<Record<string, number>> = constants.signals;
  return all[`SIG${name}`];
}

/** Glibc's: 34 to 64 (signal(7), "Real-time signals"). */
function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (match === null) return undefined;
  return (match[1] === 'MIN' ? 34 : 64) + Number(match[2] ?? 0);
}
