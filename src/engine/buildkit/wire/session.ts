import {
  bigInteger,
  bytes,
  bytesMap,
  integer,
  message,
  name,
  one,
  text,
  textMap,
} from '../../../api/buildkit/message.js';

// Services of the client that the daemon calls: moby/buildkit's session/*.proto, and tonistiigi/fsutil's types/*.proto.

/** One file. `mode` is Go's os.FileMode, `linkname` of a regular file the earlier path it is a hard link to. */
export const stat = message({
  path: name(1),
  mode: integer(2),
  uid: integer(3),
  gid: integer(4),
  size: integer(5),
  /** Nanoseconds since 1970. */
  modTime: bigInteger(6),
  linkname: name(7),
  devmajor: integer(8),
  devminor: integer(9),
  xattrs: bytesMap(10),
});
export const packet = message({ type: integer(1), stat: one(2, stat), id: integer(3), data: bytes(4) });
/** The types of a packet. */
export const packetType = { stat: 0, request: 1, data: 2, finish: 3, error: 4 } as const;

export const secretRequest = message({ id: text(1), annotations: textMap(2) });
export const secretResponse = message({ data: bytes(1) });
export const checkAgentRequest = message({ id: text(1) });
export const credentialsRequest = message({ host: text(1) });
export const credentialsResponse = message({ username: text(1), secret: text(2) });
