import type { Duplex } from 'node:stream';
import { createConnector } from './connector.js';
import { parseHost, type TlsFiles } from './host.js';

/**
 * A bare connection to the engine at `host`, which need not stand yet: a failure is its `error`. Ending it half-closes.
 * @throws `engine/bad-host`
 */
export async function dialEngine({ host, tls }: { host: string; tls?: TlsFiles | undefined }): Promise<Duplex> {
  return (await createConnector(parseHost(host, tls))).open();
}
