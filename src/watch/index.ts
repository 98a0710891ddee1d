/** File changes → sync, rebuild and restart requests. */
export { Changes, type ServiceChanges, type SyncFile } from './changes.js';
export { watchRules, type WatchRule } from './rules.js';
export { watchFiles, type FileWatch } from './watch-files.js';
