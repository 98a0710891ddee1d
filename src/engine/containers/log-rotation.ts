import { existsSync, statSync } from 'node:fs';
import type { LogConfig } from '../../api/container.js';
import { parseBool } from '../../base/go-bool.js';
import { reopenLog } from '../oci/index.js';
import type { Container } from './container.js';
import { dropPart, hasPartToPack, packPart, shiftParts } from './log-parts.js';
import { bundleOf, logPathOf, type Room } from './room.js';

/** What a log may take: without `max-size`, too, it may not fill the disk. */
export interface LogLimits {
  /** Of one part. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Whether all parts but the newest are packed. */
  readonly compress: boolean;
}

const mebibyte = 1024 * 1024;
const usual: LogLimits = { maxBytes: 100 * mebibyte, maxFiles: 2, compress: false };
/** dockerd's own for its driver of this name. */
const usualLocal: LogLimits = { maxBytes: 20 * mebibyte, maxFiles: 5, compress: true };

/** What the options say; those that make no sense are not looked at, as they keep a container from starting. */
export function logLimitsOf({ Type, Config }: LogConfig): LogLimits {
  const otherwise = Type === 'local' ? usualLocal : usual;
  const files = Math.floor(Number(Config?.['max-file'] ?? otherwise.maxFiles)) || otherwise.maxFiles;
  return {
    maxBytes: parseSize(Config?.['max-size']) ?? otherwise.maxBytes,
    maxFiles: Math.max(1, files),
    compress: parseBool(Config?.['compress'] ?? '') ?? otherwise.compress,
  };
}

/**
 * Renames a log that has grown too large, and has the monitor go on in a new file; nothing is lost in between. What was
 * rotated away is packed a turn later, when the monitor has gone on.
 */
export function rotateLog(room: Room, container: Container): void {
  const { LogConfig } = container.record.hostConfig;
  if (LogConfig?.Type === 'none' || container.logPacking === 'under way') return;
  const path = logPathOf(room, container.id);
  const { maxBytes, maxFiles, compress } = logLimitsOf(LogConfig ?? { Type: '' });
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  const isRenamed = size === undefined && existsSync(`${path}.1`); // by an engine that came no further
  if (!isRenamed && (size ?? 0) <= maxBytes) {
    if (compress && container.logPacking === 'due' && hasPartToPack(path)) pack(room, container, path);
    return;
  }
  try {
    if (!isRenamed) shiftParts(path, maxFiles);
    reopenLog(bundleOf(room, container.id));
    dropPart(path, maxFiles);
    container.logPacking = 'due';
  } catch (error) {
    room.log.warn('cannot rotate a log', { containerId: container.id, error });
  }
}

function pack(room: Room, container: Container, path: string): void {
  container.logPacking = 'under way';
  packPart(path).then(
    () => (container.logPacking = 'due'),
    (error: unknown) => {
      container.logPacking = 'failed';
      if (!container.gone) room.log.warn('cannot pack a part of a log', { containerId: container.id, error });
    },
  );
}

/** `10m`, `1g`, `500k`, `1048576`; undefined for none or `-1`. */
export function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec((text ?? '').trim());
  if (match === null) return undefined;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}
