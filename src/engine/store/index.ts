export { openRecords, type Records, type RecordsOptions } from './records.js';
