/** File changes → sync, rebuild and restart requests. */
export { Changes, type ServiceChanges, type SyncFile } from './changes.js';
export { watchRules } from './rules.js';
export { watchFiles, type FileWatch } from './watch-files.js';
