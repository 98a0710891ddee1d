import { messageOf } from './errors.js';

/** What is said of an error that nobody foresaw, which is a bug; with where it came from under TSCOMPOSE_DEBUG. */
export function bugText(error: unknown, environment: Readonly<Record<string, string | undefined>>): string {
  const wantsStack = Boolean(environment['TSCOMPOSE_DEBUG']) && error instanceof Error;
  const more = wantsStack ? error.stack : '  this is a bug in tscompose; with TSCOMPOSE_DEBUG=1 it shows where';
  return `${bugMessage(error)}\n${more ?? ''}\n`;
}

/** Its first line alone. */
export function bugMessage(error: unknown): string {
  return `unexpected failure: ${messageOf(error)}`;
}
