/** Go's `os.FileMode` keeps the type and the special bits elsewhere than Linux (pkg.go.dev/io/fs#FileMode). */
const type = {
  directory: 2 ** 31,
  symlink: 1 << 27,
  device: 1 << 26,
  fifo: 1 << 25,
  socket: 1 << 24,
  character: 1 << 21,
  irregular: 1 << 19,
} as const;
const special = { setuid: 1 << 23, setgid: 1 << 22, sticky: 1 << 20 } as const;

export type FileKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'other';

function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1; // beyond 31 bits
}

export function kindOf(mode: number): FileKind {
  if (has(mode, type.directory)) return 'directory';
  if (has(mode, type.symlink)) return 'symlink';
  if (has(mode, type.fifo)) return 'fifo';
  if (has(mode, type.device)) return has(mode, type.character) ? 'character-device' : 'block-device';
  return has(mode, type.socket) || has(mode, type.irregular) ? 'other' : 'file';
}

/** Permissions with setuid, setgid and sticky, as chmod(2) takes them. */
export function permissionsOf(mode: number): number {
  return (
    (mode % 0o1000) +
    (has(mode, special.setuid) ? 0o4000 : 0) +
    (has(mode, special.setgid) ? 0o2000 : 0) +
    (has(mode, special.sticky) ? 0o1000 : 0)
  );
}

/** The other way round. @param permissions - the low twelve bits */
export function goMode(kind: Exclude<FileKind, 'other'>, permissions: number): number {
  const kinds: Readonly<Record<typeof kind, number>> = {
    file: 0,
    directory: type.directory,
    symlink: type.symlink,
    fifo: type.fifo,
    'character-device': type.device + type.character,
    'block-device': type.device,
  };
  return (
    kinds[kind] +
    (permissions & 0o777) +
    ((permissions & 0o4000) === 0 ? 0 : special.setuid) +
    ((permissions & 0o2000) === 0 ? 0 : special.setgid) +
    ((permissions & 0o1000) === 0 ? 0 : special.sticky)
  );
}
