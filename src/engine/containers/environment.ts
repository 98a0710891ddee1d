import type { ContainerConfig } from '../../api/container.js';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's order: what the engine gives, then the container's own words. */
export function environmentOf({ Env, Hostname = '', Tty }: ContainerConfig): string[] {
  const given = [defaultPath, `HOSTNAME=${Hostname}`, ...(Tty === true ? ['TERM=xterm'] : [])];
  const own = (Env ?? []).filter((word) => word.includes('=')); // a bare name unsets what is given
  const named = new Set((Env ?? []).map((word) => word.split('=', 1)[0]));
  return [...given.filter((word) => !named.has(word.split('=', 1)[0])), ...own];
}
