import { type Methods, unary } from '../grpc/server.js';
import { nothing } from '../../../api/buildkit/common.js';
import { integer, message } from '../../../api/buildkit/message.js';

const serving = 1;

/** grpc.health.v1, and the collector to which clients send the traces of their builds: heard, not kept. */
export const smallServices: Methods = {
  '/grpc.health.v1.Health/Check': unary(nothing, message({ status: integer(1) }), () => ({ status: serving })),
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export': unary(nothing, nothing, () => ({})),
};
