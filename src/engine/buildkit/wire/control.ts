import { rpcStatus, timestamp } from '../../../api/buildkit/common.js';
import {
  bytes,
  bytesMap,
  flag,
  integer,
  many,
  message,
  messageMap,
  one,
  text,
  textMap,
  texts,
} from '../../../api/buildkit/message.js';

// What is used of moby/buildkit's api/services/control/control.proto, api/types/worker.proto and solver/pb/ops.proto.

const platform = message({ architecture: text(1), os: text(2), variant: text(3) });
const buildkitVersion = message({ package: text(1), version: text(2), revision: text(3) });
export const workerRecord = message({
  id: text(1),
  labels: textMap(2),
  platforms: many(3, platform),
  version: one(5, buildkitVersion),
});
export const listWorkersResponse = message({ record: many(1, workerRecord) });
export const infoResponse = message({ version: one(1, buildkitVersion) });

const exporter = message({ type: text(1), attrs: textMap(2) });
const cacheEntry = message({ type: text(1), attrs: textMap(2) });
const cacheOptions = message({ exports: many(4, cacheEntry) });
export const solveRequest = message({
  ref: text(1),
  definition: bytes(2),
  exporter: text(3),
  exporterAttrs: textMap(4),
  session: text(5),
  frontend: text(6),
  frontendAttrs: textMap(7),
  cache: one(8, cacheOptions),
  entitlements: texts(9),
  frontendInputs: bytesMap(10),
  exporters: many(13, exporter),
});
export const solveResponse = message({ exporterResponse: textMap(1) });

export const statusRequest = message({ ref: text(1) });
export const usageRecord = message({
  id: text(1),
  mutable: flag(2),
  inUse: flag(3),
  size: integer(4),
  createdAt: one(6, timestamp),
  lastUsedAt: one(7, timestamp),
  usageCount: integer(8),
  description: text(9),
  recordType: text(10),
  shared: flag(11),
});
export const diskUsageRequest = message({ filter: texts(1) });
export const diskUsageResponse = message({ record: many(1, usageRecord) });
export const pruneRequest = message({
  filter: texts(1),
  all: flag(2),
  keepDuration: integer(3),
  keepBytes: integer(4),
});

export const historyRequest = message({ activeOnly: flag(1), ref: text(2), earlyExit: flag(3) });

// frontend/gateway/pb/gateway.proto and util/apicaps/pb/caps.proto

const cap = message({ id: text(1), enabled: flag(2) });
export const pongResponse = message({
  frontendCaps: many(1, cap),
  llbCaps: many(2, cap),
  workers: many(3, workerRecord),
});
/** `definition` is opaque here: what a client is given it gives back. */
const ref = message({ id: text(1), definition: bytes(2) });
const refMap = message({ refs: messageMap(1, ref) });
export const result = message({
  refDeprecated: text(1),
  ref: one(3, ref),
  refs: one(4, refMap),
  metadata: bytesMap(10),
});
export const gatewaySolveRequest = message({
  definition: bytes(1),
  frontend: text(2),
  frontendOpt: textMap(3),
  frontendInputs: bytesMap(13),
  evaluate: flag(14),
});
export const gatewaySolveResponse = message({ ref: text(1), result: one(3, result) });
export const returnRequest = message({ result: one(1, result), error: one(2, rpcStatus) });
export const refRequest = message({ ref: text(1) });
