import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { reopenLog } from '../oci/index.js';
import type { Container } from './container.js';
import { bundleOf, logPathOf, type Room } from './room.js';

/** Without `max-size` a log may still not fill the disk. */
const defaultMaxBytes = 100 * 1024 * 1024;
const defaultMaxFiles = 2;

/** Renames a log that has grown too large, and has the monitor go on in a new file; nothing is lost in between. */
export function rotateLog(room: Room, container: Container): void {
  const { Type, Config } = container.record.hostConfig.LogConfig ?? { Type: '' };
  if (Type === 'none') return;
  const path = logPathOf(room, container.id);
  const maxBytes = parseSize(Config?.['max-size']) ?? defaultMaxBytes;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  const isRenamed = size === undefined && existsSync(`${path}.1`); // by an engine that came no further
  if (!isRenamed && (size ?? 0) <= maxBytes) return;
  const files = Math.max(1, Math.floor(Number(Config?.['max-file'] ?? defaultMaxFiles)) || defaultMaxFiles);
  try {
    if (!isRenamed) renameParts(path, files);
    reopenLog(bundleOf(room, container.id));
    if (files === 1)
      rmSync(`${path}.1`, { force: true }); // readers hold it open until they are through
    else rmSync(`${path}.${files}`, { force: true });
  } catch (error) {
    room.log.warn('cannot rotate a log', { containerId: container.id, error });
  }
}

function renameParts(path: string, files: number): void {
  rmSync(`${path}.${files}`, { force: true });
  for (let number = files - 1; number >= 1; number -= 1) {
    if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
  renameSync(path, `${path}.1`);
}

/** `10m`, `1g`, `500k`, `1048576`; undefined for none or `-1`. */
export function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec((text ?? '').trim());
  if (match === null) return undefined;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}
