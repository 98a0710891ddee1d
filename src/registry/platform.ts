export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Node's names of processors in the words of the OCI image-spec (those of Go). */
const architectures: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  x64: { architecture: 'amd64' },
  arm64: { architecture: 'arm64', variant: 'v8' },
  arm: { architecture: 'arm', variant: 'v7' },
  ia32: { architecture: '386' },
  ppc64: { architecture: 'ppc64le' },
  riscv64: { architecture: 'riscv64' },
  s390x: { architecture: 's390x' },
  loong64: { architecture: 'loong64' },
};

export function hostPlatform(): Platform {
  const known = architectures[process.arch] ?? { architecture: process.arch };
  // An image of arm64 names no variant: v8 is the only one there is.
  return { os: 'linux', architecture: known.architecture, ...(known.architecture === 'arm' ? { variant: 'v7' } : {}) };
}

/** `linux/arm/v7` */
export function platformText({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined || variant === '' ? '' : `/${variant}`}`;
}

interface Offered {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
}

/** How well `offered` serves `wanted`: 0 not at all, more is better. An arm host runs the variants below its own too. */
export function platformScore(offered: Offered, wanted: Platform): number {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return 0;
  const has = variantNumber(offered);
  const wants = variantNumber(wanted);
  if (has === wants) return 100;
  if (wanted.variant === undefined) return 50;
  return has !== undefined && wants !== undefined && has < wants ? has : 0;
}

function variantNumber({ architecture, variant = '' }: Offered): number | undefined {
  if (architecture === 'arm64' && variant === '') return 8;
  if (architecture === 'amd64' && variant === '') return 1;
  const digits = /^v(\d+)/.exec(variant)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
