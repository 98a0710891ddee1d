import type { ProgressEvent } from '../../execute/index.js';
import { canRedraw, type OutputStream, type Terminal } from '../terminal.js';
import type { Style } from './style.js';

/** Draws progress on one stream. Nothing may be written there by others between `report` and `end`. */
export interface Progress {
  report(event: ProgressEvent): void;
  /** A message that belongs to nothing in particular, such as a warning about orphans; a drawing is finished first. */
  note(text: string): void;
  /** Leaves the last state on the screen; what is reported after it begins another drawing. May be called twice. */
  end(): Promise<void>;
}

export type ProgressMode = 'tty' | 'plain' | 'json' | 'quiet';

export interface ProgressOptions {
  readonly stream: OutputStream;
  readonly style: Style;
  readonly dryRun: boolean;
  /** Word in the header: `up`, `down`. */
  readonly operation: string;
}

/** `auto` draws on a terminal and writes lines elsewhere. Undefined for a name nobody knows. */
export function progressMode(
  wanted: string,
  stream: OutputStream,
  environment: Terminal['environment'],
): ProgressMode | undefined {
  switch (wanted) {
    case '':
    case 'auto':
      return canRedraw(stream, environment) ? 'tty' : 'plain';
    case 'tty':
      return stream.isTTY === true && environment['TERM'] !== 'dumb' ? 'tty' : 'plain';
    case 'plain':
    case 'rawjson':
    case 'json':
      return wanted === 'plain' ? 'plain' : 'json';
    case 'quiet':
    case 'none':
      return 'quiet';
    default:
      return undefined;
  }
}

export const quietProgress: Progress = {
  report: () => undefined,
  note: () => undefined,
  end: () => Promise.resolve(),
};
