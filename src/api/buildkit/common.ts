import { bytes, integer, many, message, text, type Message } from './message.js';

/** google.protobuf.Timestamp */
export const timestamp = message({ seconds: integer(1), nanos: integer(2) });

export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

export function timestampOf(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

/** google.protobuf.Any */
const any = message({ typeUrl: text(1), value: bytes(2) });

/** google.rpc.Status */
export const rpcStatus = message({ code: integer(1), message: text(2), details: many(3, any) });

/** A message without members, or none of whose members are wanted. */
export const nothing: Message<Readonly<Record<string, never>>> = message({});

/** moby.buildkit.v1.BytesMessage and its namesakes of FileSend, SSH and Upload. */
export const bytesMessage = message({ data: bytes(1) });
