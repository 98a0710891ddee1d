import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { controlService } from './control/control-service.js';
import { gatewayService } from './control/gateway-service.js';
import { Jobs } from './control/jobs.js';
import { smallServices } from './control/small-services.js';
import { serveGrpc } from './grpc/server.js';
import type { BuildKitParts } from './parts.js';
import { type SessionFacts, Sessions } from './session/sessions.js';
import { openSpools, type Spools } from './session/spools.js';

export interface BuildKitOptions extends Omit<BuildKitParts, 'sessions' | 'spools'> {
  /** For folders that clients send; made when missing. */
  readonly dir: string;
}

/** BuildKit's daemon as far as clients of the Engine API need it, on connections that were taken over. */
export interface BuildKit {
  /** Removes folders of clients that no build uses. @returns their bytes */
  prune(): Promise<number>;
  /** `POST /grpc`: the client calls. Settles when the connection has closed. */
  serveControl(socket: Duplex, signal: AbortSignal): Promise<void>;
  /** `POST /session`: the client is called. Settles when the connection has closed. */
  serveSession(facts: SessionFacts, socket: Duplex, signal: AbortSignal): Promise<void>;
}

export function openBuildKit({ dir, ...rooms }: BuildKitOptions): BuildKit {
  const sessions = new Sessions();
  const jobs = new Jobs();
  let opened: Promise<Spools> | undefined;
  const spools = (): Promise<Spools> =>
    (opened ??= openSpools(dir).catch((error: unknown) => {
      opened = undefined; // a full disk is not full for ever
      throw error;
    }));
  const parts: BuildKitParts = { ...rooms, sessions, spools };
  const methods = { ...smallServices, ...controlService(parts, jobs), ...gatewayService(parts, jobs) };
  return {
    prune: async () => await (await parts.spools()).prune(),
    serveControl: (socket, signal) => serveGrpc(socket, methods, signal),
    serveSession: (facts, socket, signal) => sessions.serve(facts, socket, signal),
  };
}

/** What a client says of its session (docker's session headers). @returns undefined where it does not name it */
export function sessionFacts(headers: IncomingHttpHeaders): SessionFacts | undefined {
  const one = (name: string): string => {
    const value = headers[`x-docker-expose-session-${name}`];
    return (Array.isArray(value) ? value.join(',') : value) ?? '';
  };
  const id = one('uuid');
  if (id === '') return undefined;
  const methods = one('grpc-method')
    .split(',')
    .map((method) => method.trim());
  return { id, sharedKey: one('sharedkey'), methods: new Set(methods) };
}
