import { TscomposeError } from '../../base/errors.js';

/** Version of the Engine API, `1.minor`. */
export type ApiMinor = number;

export const newestApi = '1.47';
export const oldestApi = '1.24';
const newestMinor: ApiMinor = 47;
const oldestMinor: ApiMinor = 24;

export interface VersionedPath {
  readonly minor: ApiMinor;
  readonly path: string;
}

/** Takes `/v1.41` off the front; a path without it means the newest. @throws `request/version` out of range */
export function splitVersion(path: string): VersionedPath {
  const match = /^\/v(\d+)\.(\d+)(\/.*|$)/.exec(path);
  if (match === null) return { minor: newestMinor, path };
  const [, major = '', minorText = '', rest = ''] = match;
  const minor = Number(minorText);
  const version = `${major}.${minorText}`;
  if (Number(major) < 1 || (major === '1' && minor < oldestMinor)) {
    throw outOfRange(
      version,
      `client version ${version} is too old. Minimum supported API version is ${oldestApi}, please upgrade your client to a newer version`,
    );
  }
  if (major !== '1' || minor > newestMinor) {
    throw outOfRange(version, `client version ${version} is too new. Maximum supported API version is ${newestApi}`);
  }
  return { minor, path: rest };
}

function outOfRange(version: string, message: string): TscomposeError<'request/version'> {
  return new TscomposeError({ code: 'request/version', message, facts: { version } });
}
