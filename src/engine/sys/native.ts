import { createRequire } from 'node:module';

/** A path, or its bytes with a NUL at the end for a name that is not UTF-8. */
type CPath = string | Uint8Array;

/** libc as this room calls it. Results are as in the man page of each name; see {@link Libc.errno} after a -1. */
export interface Libc {
  errno(): number;
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): number;
  umount2(target: string, flags: number): number;
  statx(directory: number, path: string, flags: number, mask: number, result: Uint8Array): number;
  statvfs(path: string, result: Buffer): number;
  lsetxattr(path: CPath, name: string, value: Uint8Array, size: number, flags: number): number;
  lgetxattr(path: CPath, name: string, value: Uint8Array | null, size: number): number;
  llistxattr(path: CPath, list: Uint8Array | null, size: number): number;
  mknod(path: CPath, mode: number, device: number): number;
  utimensat(directory: number, path: CPath, times: Uint8Array, flags: number): number;
  syncfs(fd: number): number;
  flock(fd: number, operation: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
  malloc_trim(keep: number): number;
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, size: number): number;
  listen(fd: number, backlog: number): number;
  connect(fd: number, address: Uint8Array, size: number): number;
  accept4(fd: number, address: null, size: null, flags: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, size: number): number;
  getsockname(fd: number, address: Uint8Array, size: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, size: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, size: number, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  poll(sockets: Uint8Array, count: number, timeoutMs: number): number;
  waitpid(pid: number, status: Uint8Array, options: number): number;
  /** syscall(2) with three integer arguments. */
  syscall(number: number, a: number, b: number, c: number): number;
  open_tree(number: number, fd: number, path: string, flags: number): number;
  move_mount(number: number, from: number, fromPath: string, to: number, toPath: string, flags: number): number;
  openat2(number: number, fd: number, path: string, how: Uint8Array, size: number): number;
  posix_spawnp(
    pid: Uint8Array,
    file: string,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: readonly (string | null)[],
    envp: readonly (string | null)[],
  ): number;
  posix_spawnattr_init(attributes: Uint8Array): number;
  posix_spawnattr_destroy(attributes: Uint8Array): number;
  posix_spawnattr_setflags(attributes: Uint8Array, flags: number): number;
  posix_spawnattr_setsigdefault(attributes: Uint8Array, set: Uint8Array): number;
  posix_spawnattr_setsigmask(attributes: Uint8Array, set: Uint8Array): number;
  posix_spawn_file_actions_init(actions: Uint8Array): number;
  posix_spawn_file_actions_destroy(actions: Uint8Array): number;
  posix_spawn_file_actions_adddup2(actions: Uint8Array, from: number, to: number): number;
  posix_spawn_file_actions_addopen(actions: Uint8Array, fd: number, path: string, flags: number, mode: number): number;
  posix_spawn_file_actions_addchdir_np(actions: Uint8Array, path: string): number;
}

const libcSignatures: Readonly<Record<Exclude<keyof Libc, 'errno'>, string>> = {
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  umount2: 'int umount2(const char *target, int flags)',
  statx: 'int statx(int directory, const char *path, int flags, unsigned int mask, void *result)',
  statvfs: 'int statvfs(const char *path, void *result)',
  lsetxattr: 'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  lgetxattr: 'long lgetxattr(const char *path, const char *name, void *value, size_t size)',
  llistxattr: 'long llistxattr(const char *path, void *list, size_t size)',
  mknod: 'int mknod(const char *path, unsigned int mode, uint64_t device)',
  utimensat: 'int utimensat(int directory, const char *path, const void *times, int flags)',
  syncfs: 'int syncfs(int fd)',
  flock: 'int flock(int fd, int operation)',
  fcntl: 'int fcntl(int fd, int command, long argument)',
  close: 'int close(int fd)',
  malloc_trim: 'int malloc_trim(size_t keep)',
  unshare: 'int unshare(int flags)',
  setns: 'int setns(int fd, int type)',
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int fd, const void *address, unsigned int size)',
  listen: 'int listen(int fd, int backlog)',
  connect: 'int connect(int fd, const void *address, unsigned int size)',
  accept4: 'int accept4(int fd, void *address, void *size, int flags)',
  setsockopt: 'int setsockopt(int fd, int level, int option, const void *value, unsigned int size)',
  getsockname: 'int getsockname(int fd, void *address, void *size)',
  send: 'long send(int fd, const void *bytes, size_t size, int flags)',
  recv: 'long recv(int fd, void *bytes, size_t size, int flags)',
  recvmsg: 'long recvmsg(int fd, void *message, int flags)',
  ioctl: 'int ioctl(int fd, unsigned long request, void *argument)',
  poll: 'int poll(void *sockets, unsigned long count, int timeoutMs)',
  waitpid: 'int waitpid(int pid, void *status, int options)',
  syscall: 'long syscall(long number, long a, long b, long c)',
  open_tree: 'long syscall(long number, long fd, const char *path, unsigned long flags)',
  move_mount:
    'long syscall(long number, long from, const char *fromPath, long to, const char *toPath, unsigned long flags)',
  openat2: 'long syscall(long number, long fd, const char *path, const void *how, size_t size)',
  posix_spawnp:
    'int posix_spawnp(void *pid, const char *file, void *actions, void *attributes, const char **argv, const char **envp)',
  posix_spawnattr_init: 'int posix_spawnattr_init(void *attributes)',
  posix_spawnattr_destroy: 'int posix_spawnattr_destroy(void *attributes)',
  posix_spawnattr_setflags: 'int posix_spawnattr_setflags(void *attributes, short flags)',
  posix_spawnattr_setsigdefault: 'int posix_spawnattr_setsigdefault(void *attributes, const void *set)',
  posix_spawnattr_setsigmask: 'int posix_spawnattr_setsigmask(void *attributes, const void *set)',
  posix_spawn_file_actions_init: 'int posix_spawn_file_actions_init(void *actions)',
  posix_spawn_file_actions_destroy: 'int posix_spawn_file_actions_destroy(void *actions)',
  posix_spawn_file_actions_adddup2: 'int posix_spawn_file_actions_adddup2(void *actions, int from, int to)',
  posix_spawn_file_actions_addopen:
    'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)',
  posix_spawn_file_actions_addchdir_np: 'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
};

/** libnftables(3). A context is an opaque pointer. */
export interface Nftables {
  nft_ctx_new(flags: number): unknown;
  nft_ctx_free(context: unknown): void;
  nft_ctx_buffer_output(context: unknown): number;
  nft_ctx_buffer_error(context: unknown): number;
  nft_ctx_output_set_flags(context: unknown, flags: number): void;
  nft_ctx_get_output_buffer(context: unknown): string;
  nft_ctx_get_error_buffer(context: unknown): string;
  nft_run_cmd_from_buffer(context: unknown, commands: string): number;
}

const nftablesSignatures: Readonly<Record<keyof Nftables, string>> = {
  nft_ctx_new: 'void *nft_ctx_new(uint32_t flags)',
  nft_ctx_free: 'void nft_ctx_free(void *context)',
  nft_ctx_buffer_output: 'int nft_ctx_buffer_output(void *context)',
  nft_ctx_buffer_error: 'int nft_ctx_buffer_error(void *context)',
  nft_ctx_output_set_flags: 'void nft_ctx_output_set_flags(void *context, unsigned int flags)',
  nft_ctx_get_output_buffer: 'const char *nft_ctx_get_output_buffer(void *context)',
  nft_ctx_get_error_buffer: 'const char *nft_ctx_get_error_buffer(void *context)',
  nft_run_cmd_from_buffer: 'int nft_run_cmd_from_buffer(void *context, const char *commands)',
};

/** Calls back when `fd` can be read, until closed. Closing does not close the fd. */
export type WatchReadable = (fd: number, onReadable: () => void) => { close(): void };

export interface Native {
  readonly libc: Libc;
  /** Undefined where libnftables.so.1 is not installed. */
  readonly nftables: Nftables | undefined;
  /** The address of a buffer's first byte, valid while the buffer is referenced. */
  addressOf(buffer: Uint8Array): bigint;
  readonly watchReadable: WatchReadable;
}

let loaded: Native | 'unavailable' | undefined;

/**
 * The foreign function interface, loaded on first use (about 11 ms); undefined where it cannot be (a platform koffi has
 * no build for, a libc other than glibc) and where the environment says `TSCOMPOSE_FFI=off`. Callers then use the
 * ordinary tool for the same job.
 */
export function native(): Native | undefined {
  if (process.env['TSCOMPOSE_FFI'] === 'off') return undefined;
  loaded ??= load() ?? 'unavailable';
  return loaded === 'unavailable' ? undefined : loaded;
}

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

function load(): Native | undefined {
  // The structure sizes in this room are glibc's on 64-bit little-endian machines.
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  try {
    // In the CommonJS bundle there is a __filename and no import.meta.url; from source it is the other way round.
    const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
    const koffi = require('koffi') as Koffi;
    const libc = bindAll(koffi.load('libc.so.6'), libcSignatures) as unknown as Libc;
    return {
      libc: { ...libc, errno: () => koffi.errno() },
      nftables: loadNftables(koffi),
      addressOf: (buffer) => koffi.address(buffer),
      watchReadable: (fd, onReadable) => koffi.node.poll(fd, { readable: true, disconnect: true }, onReadable),
    };
  } catch {
    return undefined; // no build for this machine, or not glibc: the ordinary tools take over
  }
}

function loadNftables(koffi: Koffi): Nftables | undefined {
  try {
    return bindAll(koffi.load('libnftables.so.1'), nftablesSignatures) as unknown as Nftables;
  } catch {
    return undefined; // not installed: the nft program takes over
  }
}

/** The signatures above are where C's types become TypeScript's; nothing else in the engine deals with C. */
function bindAll(library: Library, signatures: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(signatures).map(([name, signature]) => [name, library.func(signature)]));
}

/** Calls `run`, which returns -1 and sets errno on failure, again on EINTR. */
export function retrying(libc: Libc, run: () => number): number {
  for (;;) {
    const result = run();
    if (result !== -1 || libc.errno() !== EINTR) return result;
  }
}

const EINTR = 4;
