/** Windows as large as a file or two: both ends are on this machine, and a context is sent in many small messages. */
export const windowBytes = 4 << 20;

/** A failure's details hold the whole Dockerfile, and a list of patterns may be long. */
export const http2Options = {
  settings: { initialWindowSize: windowBytes, maxHeaderListSize: 4 << 20, enablePush: false },
  maxSendHeaderBlockLength: 4 << 20,
} as const;
