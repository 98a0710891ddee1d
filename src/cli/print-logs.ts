import type { LogEvent } from '../execute/index.js';
import { logName } from '../plan/index.js';
import type { CliContext } from './context.js';
import { LogPrinter } from './render/log-lines.js';
import { plainStyle, styleFor } from './render/style.js';

export interface PrintOptions {
  readonly noColor: boolean;
  readonly noLogPrefix: boolean;
  readonly timestamps: boolean;
}

export function logPrinter({ terminal, ansi }: CliContext, { noColor, noLogPrefix }: PrintOptions): LogPrinter {
  const style = noColor ? plainStyle : styleFor(terminal.stdout, ansi, terminal.environment);
  return new LogPrinter((text) => terminal.stdout.write(text), { style, prefix: !noLogPrefix });
}

/** Writes what the log reader reports: lines, and the ends of containers. */
export function printLogEvent(
  context: CliContext,
  project: string,
  printer: LogPrinter,
  event: LogEvent,
  { timestamps }: PrintOptions,
): void {
  const name = logName(project, event.source.service, event.source.name);
  switch (event.kind) {
    case 'attached':
      printer.register([name]);
      return;
    case 'line':
      printer.line(name, timestamps && event.time !== undefined ? `${event.time} ${event.text}` : event.text);
      return;
    case 'recreated':
      printer.notice(name, 'has been recreated');
      return;
    case 'exited':
      if (event.repeated) return;
      printer.notice(name, `exited with code ${event.exitCode}${event.restarting ? ' (restarting)' : ''}`);
      return;
    case 'unreadable':
      context.warn(`warning: cannot read the log of ${event.source.name}: ${event.reason}`);
      return;
  }
}
