/** open(2): names a file, without opening it. Node has no constant for it. */
export const O_PATH = 0o10000000;
