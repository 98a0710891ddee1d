/** Families, types and flags of socket(2), the same on every architecture that Node runs on. */
export const AF_UNIX = 1;
export const [AF_INET, AF_INET6] = [2, 10];
export const [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] = [1, 2, 5];
/** Every socket is made with CLOEXEC | NONBLOCK. */
export const SOCK_FLAGS = 0o2000000 | 0o4000;
export const SOL_SOCKET = 1;
