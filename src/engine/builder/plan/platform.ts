import { hostPlatform, type Platform, platformText } from '../../../registry/index.js';

const aliases: Readonly<Record<string, Partial<Platform>>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
};

/** `os/arch[/variant]`, or an architecture alone; undefined when it is none. */
export function parsePlatform(text: string): Platform | undefined {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) return undefined;
  const [first = '', second, third] = parts;
  if (second === undefined && first === 'linux') return hostPlatform();
  const [os, named] = second === undefined ? ['linux', first] : [first, second];
  const { architecture = named, variant = third } = aliases[named] ?? {};
  if (architecture === 'arm64' && variant === 'v8') return { os, architecture };
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Whether an image made for `image` is what `wanted` asks for; a variant counts where both have one. */
export function satisfies(image: Platform, wanted: Platform): boolean {
  return (
    image.os === wanted.os &&
    image.architecture === wanted.architecture &&
    (image.variant === undefined || wanted.variant === undefined || image.variant === wanted.variant)
  );
}

/** The automatic arguments of the global scope (Dockerfile reference, "Automatic platform ARGs in the global scope"). */
export function platformArgs(build: Platform, target: Platform): ReadonlyMap<string, string> {
  const of = (prefix: string, platform: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, platformText(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
  return new Map([...of('BUILD', build), ...of('TARGET', target)]);
}
