import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates, type SecureContextOptions } from 'node:tls';

const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Arch, Alpine
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora
  '/etc/ssl/ca-bundle.pem', // openSUSE
];

export interface TrustOptions {
  /** Where `<host:port>/*.crt` are authorities and `*.cert`, `*.key` our own pair, as Docker reads them. */
  readonly certsDir: string;
  /** Of authorities, in place of the distribution's. */
  readonly systemCaFile?: string | undefined;
  /** A file of more authorities. */
  readonly extraCaFile?: string | undefined;
}

/** Differs when the files for `host` have changed. */
export function trustVersion(host: string, { certsDir }: TrustOptions): string {
  const dir = join(certsDir, host);
  if (!existsSync(dir)) return '';
  return readdirSync(dir)
    .map((name) => `${name} ${statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0}`)
    .sort()
    .join('\n');
}

/** What a TLS connection to `host` (with port) trusts: the system's authorities, those given, and the host's own. */
export function trustFor(host: string, { certsDir, systemCaFile, extraCaFile }: TrustOptions): SecureContextOptions {
  const system = [systemCaFile, ...systemBundles].find((path) => path !== undefined && existsSync(path));
  const authorities = system === undefined ? [...rootCertificates] : [readFileSync(system, 'utf8')];
  if (extraCaFile !== undefined && extraCaFile !== '') authorities.push(readFileSync(extraCaFile, 'utf8'));
  const pairs: { cert: Buffer; key: Buffer }[] = [];
  const dir = join(certsDir, host);
  for (const name of existsSync(dir) ? readdirSync(dir).sort() : []) {
    if (name.endsWith('.crt')) authorities.push(readFileSync(join(dir, name), 'utf8'));
    if (!name.endsWith('.cert')) continue;
    const key = join(dir, name.replace(/\.cert$/, '.key'));
    if (existsSync(key)) pairs.push({ cert: readFileSync(join(dir, name)), key: readFileSync(key) });
  }
  if (pairs.length === 0) return { ca: authorities };
  return { ca: authorities, cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) };
}
