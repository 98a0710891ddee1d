import { timestamp } from './common.js';
import { bytes, flag, integer, many, manyBytes, message, one, text, texts } from './message.js';

export const vertex = message({
  digest: text(1),
  inputs: texts(2),
  name: text(3),
  cached: flag(4),
  started: one(5, timestamp),
  completed: one(6, timestamp),
  error: text(7),
});
const vertexStatus = message({
  id: text(1),
  vertex: text(2),
  name: text(3),
  current: integer(4),
  total: integer(5),
  timestamp: one(6, timestamp),
  started: one(7, timestamp),
  completed: one(8, timestamp),
});
const vertexLog = message({ vertex: text(1), timestamp: one(2, timestamp), stream: integer(3), msg: bytes(4) });
const position = message({ line: integer(1), character: integer(2) });
export const range = message({ start: one(1, position), end: one(2, position) });
const sourceInfo = message({ filename: text(1), data: bytes(2) });
const vertexWarning = message({
  vertex: text(1),
  level: integer(2),
  short: bytes(3),
  detail: manyBytes(4),
  url: text(5),
  info: one(6, sourceInfo),
  ranges: many(7, range),
});
export const statusResponse = message({
  vertexes: many(1, vertex),
  statuses: many(2, vertexStatus),
  logs: many(3, vertexLog),
  warnings: many(4, vertexWarning),
});
