import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { chooseEngine, type EngineFlags } from '../../../src/cli/engine/choose.js';
import { engineEnvironment } from '../../../src/cli/engine/launch.js';
import { enginePaths } from '../../../src/cli/engine/paths.js';
import { folderPerTest } from '../../support/test-folder.js';

const noFlags: EngineFlags = {
  host: undefined,
  context: undefined,
  tls: false,
  tlsverify: false,
  tlscacert: undefined,
  tlscert: undefined,
  tlskey: undefined,
};
let config = '';
let warnings: string[] = [];
folderPerTest((path) => (config = path));
beforeEach(() => {
  warnings = [];
});

const choose = (environment: Record<string, string> = {}, flags: Partial<EngineFlags> = {}) =>
  chooseEngine(
    { ...noFlags, ...flags },
    { cwd: '/srv', environment: { DOCKER_CONFIG: config, ...environment } },
    (text) => warnings.push(text),
  );

function storeContext(name: string, host: string, { tls = false } = {}): string {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = join(config, 'contexts/meta', id);
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  const certificates = join(config, 'contexts/tls', id, 'docker');
  if (tls) {
    mkdirSync(certificates, { recursive: true });
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(certificates, file), '');
  }
  return certificates;
}

describe('which engine is driven', () => {
  test('nothing said: the embedded one', () => {
    expect(choose()).toEqual({
      kind: 'embedded',
      paths: {
        dataRoot: '/var/lib/tscompose',
        runtimeDir: '/run/tscompose',
        socket: '/run/tscompose/engine.sock',
        log: '/run/tscompose/engine.log',
      },
    });
  });

  test('a flag goes before a variable, a variable before the current context', () => {
    storeContext('one', 'unix:///one.sock');
    storeContext('two', 'unix:///two.sock');
    writeFileSync(join(config, 'config.json'), '{"currentContext":"one"}');
    const host = (...args: Parameters<typeof choose>) => {
      const choice = choose(...args);
      return choice.kind === 'given' ? choice.endpoint.host : choice.kind;
    };
    expect(host()).toBe('unix:///one.sock');
    expect(host({ DOCKER_CONTEXT: 'two' })).toBe('unix:///two.sock');
    expect(host({ DOCKER_CONTEXT: 'two', DOCKER_HOST: 'unix:///env.sock' })).toBe('unix:///env.sock');
    expect(host({ DOCKER_HOST: 'unix:///env.sock' }, { context: 'two' })).toBe('unix:///two.sock');
    expect(host({ DOCKER_HOST: 'unix:///env.sock' }, { host: 'tcp://flag:1' })).toBe('tcp://flag:1');
    expect(host({}, { context: 'default' })).toBe('embedded');
    expect(host({ DOCKER_CONTEXT: 'default' })).toBe('embedded');
  });

  test('a context brings its certificates along', () => {
    const folder = storeContext('far', 'tcp://far:2376', { tls: true });
    expect(choose({}, { context: 'far' })).toMatchObject({
      endpoint: {
        host: 'tcp://far:2376',
        tls: { caFile: join(folder, 'ca.pem'), certFile: join(folder, 'cert.pem'), verify: true },
      },
    });
  });

  test('TLS is asked for by variables, and its files named by flags', () => {
    const tlsOf = (environment: Record<string, string>, flags: Partial<EngineFlags> = {}) => {
      const chosen = choose({ DOCKER_HOST: 'tcp://far:2376', ...environment }, flags);
      return chosen.kind === 'given' ? chosen.endpoint.tls : chosen.kind;
    };
    expect(tlsOf({ DOCKER_CERT_PATH: '/c' })).toBeUndefined();
    expect(tlsOf({ DOCKER_CERT_PATH: '/c', DOCKER_TLS_VERIFY: '1' })).toEqual({
      caFile: '/c/ca.pem',
      certFile: '/c/cert.pem',
      keyFile: '/c/key.pem',
      verify: true,
    });
    expect(tlsOf({ DOCKER_TLS: '1' }, { tlscert: '/own.pem' })).toMatchObject({
      caFile: `${config}/ca.pem`,
      certFile: '/own.pem',
      verify: false,
    });
  });

  test('--host and --context together are refused', () => {
    expect(() => choose({}, { host: 'unix:///a', context: 'b' })).toThrow(
      expect.objectContaining({ code: 'usage/invalid' }),
    );
  });

  test('a context that does not exist is named', () => {
    expect(() => choose({}, { context: 'nowhere' })).toThrow('there is no docker context "nowhere"');
  });

  test('a broken docker configuration is a warning, and the embedded engine is used', () => {
    writeFileSync(join(config, 'config.json'), '{');
    expect(choose()).toMatchObject({ kind: 'embedded' });
    expect(warnings).toEqual([expect.stringContaining(`warning: cannot read ${config}/config.json`)]);
  });
});

test('the folders of the engine follow the environment, relative to where one stands', () => {
  const environment = { TSCOMPOSE_DATA_ROOT: 'data', TSCOMPOSE_RUNTIME_DIR: '/tmp/run' };
  expect(enginePaths({ environment, cwd: '/srv' })).toMatchObject({
    dataRoot: '/srv/data',
    socket: '/tmp/run/engine.sock',
  });
});

test('the engine keeps the way to registries of the environment it is started from, and little else', () => {
  const environment = {
    PATH: '/usr/bin',
    HTTPS_PROXY: 'http://proxy',
    no_proxy: 'localhost',
    TSCOMPOSE_EXTRA_CA_CERTS: '/ca.pem',
    NODE_OPTIONS: '--inspect',
    DOCKER_HOST: 'unix:///other.sock',
    SECRET: 'x',
  };
  expect(engineEnvironment(environment, enginePaths({ environment: {}, cwd: '/' }))).toEqual({
    PATH: '/usr/bin:/usr/local/sbin:/usr/sbin:/sbin',
    HTTPS_PROXY: 'http://proxy',
    no_proxy: 'localhost',
    TSCOMPOSE_EXTRA_CA_CERTS: '/ca.pem',
    TSCOMPOSE_DATA_ROOT: '/var/lib/tscompose',
    TSCOMPOSE_RUNTIME_DIR: '/run/tscompose',
  });
});
