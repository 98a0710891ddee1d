export const defaultProfileName = 'tscompose-default';

/**
 * What containers run in where the host has AppArmor (apparmor.d(5)). Capabilities, namespaces and the system call filter
 * say what a container may do; this holds where one of them is loosened: nothing is mounted, and of /proc and /sys only
 * its own processes, shared memory limits and control groups are written. It needs no file of the host's policy.
 * @param engine - what the engine itself runs in
 */
export function renderDefaultProfile(engine: string): string {
  return `profile ${defaultProfileName} flags=(attach_disconnected, mediate_deleted) {
  capability,
  file,
  network,
  unix,
  umount,
  deny mount,

  # Whoever starts and ends containers does it from outside; among themselves they are free.
  signal (receive) peer=unconfined,
  signal (receive) peer=crun,
  signal (receive) peer=runc,
  signal (receive) peer="${engine}",
  signal (send, receive) peer=${defaultProfileName},
  ptrace (readby, tracedby) peer=unconfined,
  ptrace (read, trace, readby, tracedby) peer=${defaultProfileName},

  # /proc: only below the numbers of processes, and kernel.shm* below sys. Links such as self are seen as what they name.
  deny /proc/* w,
  deny /proc/{[^0-9s],s[^y],sy[^s],sys[^/]}*/** w,
  deny /proc/sys/{[^k],k[^e],ke[^r],ker[^n],kern[^e],kerne[^l],kernel[^/]}** w,
  deny /proc/sys/kernel/{[^s],s[^h],sh[^m]}** w,
  deny /proc/{kcore,sysrq-trigger} rwklx,

  # /sys: only control groups, which are mounted read-only; nothing of firmware, power meters and security is read.
  deny /sys/{[^f],f[^s]}** wklx,
  deny /sys/fs/{[^c],c[^g],cg[^r]}** wklx,
  deny /sys/{firmware,devices/virtual/powercap,kernel/security}/** rwklx,
}
`;
}
