export { openRecords } from './records.js';
export type { Records, RecordsOptions } from './records.js';
