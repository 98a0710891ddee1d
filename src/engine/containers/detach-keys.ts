import { parseDetachKeys } from '../../base/detach-keys.js';
import { invalidConfig } from './errors.js';

/** @throws `container/invalid-config` */
export function detachKeysOf(text: string | undefined): number[] {
  const keys = parseDetachKeys(text);
  if (keys === undefined) throw invalidConfig('detachKeys', `Invalid escape keys (${text ?? ''}) provided`);
  return keys;
}
