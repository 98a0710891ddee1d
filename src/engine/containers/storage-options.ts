import { invalidConfig } from './errors.js';

/** @throws `container/invalid-config`, in dockerd's words */
export function checkStorageOptions(options: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    if (name.toLowerCase() !== 'size') throw invalidConfig('StorageOpt', `Unknown option ${name}`);
    const message = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option";
    throw invalidConfig('StorageOpt', message);
  }
}
