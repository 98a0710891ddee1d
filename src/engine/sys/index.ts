export { isAccepted } from './accepted.js';
export { bootId } from './boot.js';
export { sysErrno } from './call-failed.js';
export { cgroupLayout, type CgroupLayout } from './cgroups.js';
export { connectFrom } from './connect.js';
export { forgetFlows } from './conntrack.js';
export { acceptConsole } from './console.js';
export { splitDevice } from './device-number.js';
export { bindForeignMount, canBindForeignMounts, type ForeignMount } from './foreign-mounts.js';
export { mknod, openBeneath, setTimes, syncFilesystem } from './files.js';
export { hasHungUp } from './hang-up.js';
export { addressBytes, addressText } from './ip-address.js';
export { isKernelAtLeast } from './kernel.js';
export type { LinkChange, LinkInfo, Links } from './link-change.js';
export { openLinks } from './links.js';
export { O_PATH } from './open-flags.js';
export { tryLock } from './lock.js';
export { releaseFreedMemory } from './memory.js';
export {
  detachBelow,
  isMountPoint,
  listMountPoints,
  mount,
  restrictionsOf,
  unmount,
  unmountBelow,
  type MountFlag,
  type MountRequest,
} from './mounts.js';
export { type OverlayMounter, overlayMounter, type OverlayRequest } from './overlay-mounter.js';
export { chooseOverlayDriver, type OverlayDriver } from './overlay-driver.js';
export {
  canEnterNamespaces,
  createNetworkNamespace,
  inNetworkNamespace,
  openNetworkNamespace,
  type NetworkNamespace,
} from './network-namespace.js';
export { nftApply, nftListJson } from './nft.js';
export { nftGeneration } from './nft-generation.js';
export type { PathName } from './path-name.js';
export { isAlive, openProcess, processStartTime, sendSignal, type ProcessIdentity } from './processes.js';
export { readOnlyFile } from './read-only-file.js';
export { openSeqpacket, openUnixDatagram } from './seqpacket.js';
export { readSmallFile } from './small-file.js';
export { adoptTcp, adoptUdp, bindSctp, bindUdp, listenTcp, type BoundSocket } from './sockets.js';
export { spawnFast, type ExitStatus, type FastChild, type SpawnRequest } from './spawn-fast.js';
export { runToolSync } from './tool.js';
export { withShortSocketPath } from './unix-address.js';
export { lgetxattr, llistxattr, lsetxattr } from './xattr.js';
