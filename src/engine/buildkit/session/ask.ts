import { Duplex } from 'node:stream';
import type { RegistryAuth } from '../../../api/image.js';
import { asError } from '../../../base/errors.js';
import type { Lookup } from '../../builder/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import type { Stream } from '../grpc/client.js';
import { bytesMessage, nothing } from '../../../api/buildkit/common.js';
import {
  checkAgentRequest,
  credentialsRequest,
  credentialsResponse,
  secretRequest,
  secretResponse,
} from '../wire/session.js';
import type { ClientSession } from './sessions.js';

const getSecret = '/moby.buildkit.secrets.v1.Secrets/GetSecret';
const checkAgent = '/moby.sshforward.v1.SSH/CheckAgent';
const forwardAgent = '/moby.sshforward.v1.SSH/ForwardAgent';
const credentials = '/moby.filesync.v1.Auth/Credentials';
const pull = '/moby.upload.v1.Upload/Pull';

/** Secrets of the client's `--secret`, each asked for when a step mounts it. */
export function secretsOf({ channel, methods }: ClientSession): Lookup<Uint8Array> {
  return async (id, signal) => {
    if (!methods.has(getSecret)) return undefined;
    return await unlessMissing(async () => {
      const { data } = await channel.call(getSecret, secretRequest, secretResponse, { id }, { signal });
      return data;
    });
  };
}

/** The client's ssh agents: one connection of a step is one call. @param signal - of the build */
export function agentsOf({ channel, methods }: ClientSession, signal: AbortSignal): Lookup<() => Duplex> {
  return async (id, asking) => {
    if (!methods.has(forwardAgent)) return undefined;
    return await unlessMissing(async () => {
      await channel.call(checkAgent, checkAgentRequest, nothing, { id }, { signal: asking });
      const headers = { 'buildkit.ssh.id': id };
      return () => duplexOf(() => channel.open(forwardAgent, { headers, signal }));
    });
  };
}

/** Credentials for a registry from the client's configuration, asked for when one is spoken to. */
export function credentialsOf(
  { channel, methods }: ClientSession,
  signal: AbortSignal,
): (domain: string) => Promise<RegistryAuth | undefined> {
  return async (domain) => {
    if (!methods.has(credentials)) return undefined;
    const host = domain === 'docker.io' ? 'registry-1.docker.io' : domain;
    const found = await unlessMissing(() =>
      channel.call(credentials, credentialsRequest, credentialsResponse, { host }, { signal }),
    );
    if (found === undefined || found.secret === '') return undefined;
    const { username, secret } = found;
    return username === '' ? { identitytoken: secret } : { username, password: secret, serveraddress: domain };
  };
}

/** What the client has at `url` for this build: the archive it was given on standard input. */
export function uploadOf({ channel }: ClientSession, url: URL, signal: AbortSignal): Duplex {
  return duplexOf(() => channel.open(pull, { headers: { urlpath: url.pathname, urlhost: url.host }, signal }));
}

async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof GrpcFailure && isMissing(error)) return undefined;
    throw error;
  }
}

/** Clients before 0.15 say it in words alone. */
function isMissing({ code, message }: GrpcFailure): boolean {
  return (
    code === grpcCode.notFound || code === grpcCode.unimplemented || /not found|unset ssh forward key/.test(message)
  );
}

/**
 * A call of byte messages as a stream of bytes; one that cannot be made is a stream that breaks at once. It may break
 * before anybody reads it: who does is told then.
 */
function duplexOf(open: () => Stream): Duplex {
  let stream: Stream;
  try {
    stream = open();
  } catch (error) {
    return new Duplex().on('error', () => undefined).destroy(asError(error));
  }
  const duplex = new Duplex({
    read() {
      stream.incoming
        .next()
        .then(({ value }) => this.push(value === undefined ? null : bytesMessage.decode(value).data))
        .catch((error: unknown) => this.destroy(asError(error)));
    },
    write(chunk: Buffer, _encoding, done) {
      stream.send(bytesMessage.encode({ data: chunk })).then(() => done(), done);
    },
    final(done) {
      stream.end();
      done();
    },
    destroy(error, done) {
      stream.cancel();
      done(error);
    },
  });
  return duplex.on('error', () => undefined);
}
