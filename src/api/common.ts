/** `docker-compose` says npipe and cluster too; Linux engines do not. */
export type MountType = 'bind' | 'volume' | 'tmpfs' | 'image' | 'npipe' | 'cluster';

export interface PortBinding {
  /** Empty: all addresses. */
  HostIp?: string;
  /** Decimal, a range `8000-8010`, or empty for an ephemeral port. */
  HostPort?: string;
}

/** Keyed by `80/tcp`. */
export type PortMap = Record<string, PortBinding[] | null>;

/** Body of every answer with a status of 400 and above. */
export interface ErrorBody {
  message: string;
}

/** `{"label":{"a=b":true}}` on the wire; the legacy list form is accepted as well. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface IdResponse {
  Id: string;
}
