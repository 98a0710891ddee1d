/** Package that brings a program, by the word that starts the package manager's install command. */
const installers: readonly (readonly [ids: RegExp, command: string])[] = [
  [/\b(?:debian|ubuntu)\b/, 'apt-get install'],
  [/\b(?:fedora|rhel|centos)\b/, 'dnf install'],
  [/\barch\b/, 'pacman -S'],
  [/\balpine\b/, 'apk add'],
  [/\bsuse\b/, 'zypper install'],
];

/** How this distribution installs a package. @param osRelease - text of /etc/os-release (os-release(5)) */
export function installWith(osRelease: string, debianName: string): string {
  const ids = /^ID=(.*)$/m.exec(osRelease)?.[1] ?? '';
  const like = /^ID_LIKE=(.*)$/m.exec(osRelease)?.[1] ?? '';
  const command = installers.find(([pattern]) => pattern.test(`${ids} ${like}`))?.[1];
  const name = command === 'apt-get install' || command === undefined ? debianName : (others[debianName] ?? debianName);
  return command === undefined ? `install the package that brings ${name}` : `${command} ${name}`;
}

/** Where the rest of the world says it otherwise than Debian. */
const others: Readonly<Record<string, string>> = { iproute2: 'iproute2', 'xz-utils': 'xz', procps: 'procps-ng' };
