/** makedev(3) as glibc packs it: 12 bits of major and 20 of minor are all that the kernel has. */
export function deviceNumber(major: number, minor: number): number {
  return (major & 0xfff) * 0x100 + (minor & 0xff) + Math.floor(minor / 0x100) * 0x100000;
}

/** The numbers in an `rdev`, or a `dev`. */
export function splitDevice(device: number | bigint): { readonly major: number; readonly minor: number } {
  const packed = Number(device);
  return { major: (packed >>> 8) & 0xfff, minor: (packed & 0xff) | ((packed >>> 12) & 0xf_ff00) };
}
