import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../../src/base/digest.js';
import { RegistryServer } from '../../support/registry-server.js';
import { BuildLab, missing } from './lab.js';

const signal = AbortSignal.timeout(120_000);
const quiet = { onProgress: () => undefined, signal };

interface Described {
  readonly mediaType: string;
  readonly digest: `sha256:${string}`;
  readonly platform?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Statement {
  readonly _type: string;
  readonly predicateType: string;
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicate: Readonly<Record<string, unknown>>;
}

describe.skipIf(missing !== undefined)(`what is said of an image's making (needs ${missing ?? 'nothing more'})`, () => {
  const registry = new RegistryServer();
  let lab: BuildLab;
  let other: BuildLab;
  beforeAll(async () => {
    await registry.listen();
    lab = await BuildLab.open();
    other = await BuildLab.open();
  });
  afterAll(async () => {
    await registry.close();
    await lab[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  const lines = [
    'FROM busybox AS work',
    'ARG WORD',
    'RUN --mount=type=secret,id=key cat /run/secrets/key > /dev/null; echo $WORD > /a',
    'FROM scratch',
    'COPY --from=work /a /',
  ];
  const given = { args: { WORD: 'spoken' }, secrets: { key: Buffer.from('hush-hush') } };

  /** As a reader of a registry finds it: from the index by annotation to the statement, every digest checked. */
  const readFrom = (repository: string, tag: string): { manifests: readonly Described[]; statements: Statement[] } => {
    const kept = registry.manifests.get(repository);
    const read = (which: string): unknown => {
      const bytes = kept?.get(which)?.bytes ?? registry.blobs.get(which) ?? Buffer.alloc(0);
      if (which.startsWith('sha256:')) expect(digestOf(bytes)).toBe(which);
      return JSON.parse(bytes.toString());
    };
    const { manifests } = read(tag) as { manifests: readonly Described[] };
    const images = manifests.filter(({ annotations }) => annotations === undefined);
    const statements = manifests
      .filter(({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest')
      .flatMap(({ digest, platform, annotations }) => {
        expect(platform).toEqual({ os: 'unknown', architecture: 'unknown' });
        expect(images.map((image) => image.digest)).toContain(annotations?.['vnd.docker.reference.digest']);
        const { layers } = read(digest) as { layers: readonly Described[] };
        return layers.map((layer) => {
          expect(layer.mediaType).toBe('application/vnd.in-toto+json');
          const statement = read(layer.digest) as Statement;
          expect(layer.annotations?.['in-toto.io/predicate-type']).toBe(statement.predicateType);
          return statement;
        });
      });
    return { manifests, statements };
  };

  test('is nothing unless it is asked for', async () => {
    await lab.dockerfile(lines, { ...given, tags: ['plain:1'] });
    expect(lab.images.listOf('plain:1')).toBeUndefined();
  });

  test('goes with the image to a registry: what it was made of, and no argument with mode=min', async () => {
    const name = `${registry.host}/said/min:1`;
    await lab.dockerfile(lines, { ...given, tags: [name], provenance: 'min' });
    await lab.images.push(name, quiet);
    const { manifests, statements } = readFrom('said/min', '1');
    const [statement] = statements;
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v0.2',
      subject: [{ name: `pkg:docker/${registry.host}/said/min@1`, digest: { sha256: manifests[0]?.digest.slice(7) } }],
      predicate: {
        materials: [
          {
            uri: expect.stringMatching(/^pkg:docker\/busybox@latest\?platform=linux%2F/) as string,
            digest: { sha256: hexOf(lab.images.resolve('busybox').id) },
          },
        ],
        invocation: { configSource: { entryPoint: 'Dockerfile' }, parameters: { secrets: ['key'] } },
      },
    });
    expect(statement?.predicate['buildConfig']).toBeUndefined();
    expect(JSON.stringify(statements)).not.toMatch(/spoken|hush-hush/);
  });

  test('with mode=max has arguments and steps, never the value of a secret, and survives an archive', async () => {
    const name = `${registry.host}/said/max:1`;
    await lab.dockerfile(lines, { ...given, tags: [name], provenance: 'max' });
    await lab.images.push(name, quiet);
    const { statements } = readFrom('said/max', '1');
    const [{ predicate } = { predicate: {} }] = statements;
    expect(predicate).toMatchObject({
      invocation: { parameters: { args: { WORD: 'spoken' } } },
      buildConfig: {
        steps: expect.arrayContaining([
          expect.objectContaining({ stage: 'work', instruction: lines[2], line: 3, key: expect.any(String) as string }),
        ]) as unknown[],
      },
    });
    expect(JSON.stringify(statements)).not.toContain('hush-hush');
    await other.images.load(lab.images.save([name], { signal }), quiet);
    expect(other.images.listOf(name)?.id).toBe(lab.images.listOf(name)?.id);
    await other.images.prune({ usedBy: () => [] });
    expect(other.images.listOf(name)?.members.flatMap(({ attestations }) => attestations)).toHaveLength(1);
    await other.images.push(name, quiet);
    expect(readFrom('said/max', '1').statements.map((statement) => statement.predicate)).toEqual([predicate]);
  });
});
