import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdditionalContext } from '../../../src/engine/builder/index.js';
import { messageOf } from '../../../src/base/errors.js';
import type { Case, Seen } from './case.js';
import { allCases as all } from './language/index.js';
import { BuildLab, missing } from './lab.js';
import { buildKitMissing, Peer, type PeerBuilder, peerMissing } from './peer.js';

describe.skipIf(missing !== undefined)(`the Dockerfile language (needs ${missing ?? 'nothing more'})`, () => {
  let lab: BuildLab;
  let peer: Peer | undefined;
  beforeAll(async () => {
    lab = await BuildLab.open();
    if (peerMissing === undefined) peer = await Peer.open();
  });
  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function ours(one: Case): Promise<Seen> {
    const context = lab.context(one.name.replace(/\W+/g, '-'), {
      ...one.files,
      Dockerfile: `${one.dockerfile.join('\n')}\n`,
    });
    try {
      const { image } = await lab.build(context, {
        args: one.args ?? {},
        labels: one.labels ?? {},
        ...(one.target === undefined ? {} : { target: one.target }),
        secrets: Object.fromEntries(
          Object.entries(one.secrets ?? {}).map(([id, value]) => [id, Buffer.from(value)] as const),
        ),
        additionalContexts: Object.fromEntries(
          Object.entries(one.contexts ?? {}).map(([name, folder]) => [name, contextOf(context, folder)] as const),
        ),
      });
      return {
        tree: await lab.tree(image, one.look ?? '/o').catch(() => []),
        config: image.config.config,
        history: (image.config.history ?? []).slice(1).map((entry) => entry.created_by ?? ''),
      };
    } catch (error) {
      if (one.fails === undefined) throw error;
      return { fails: messageOf(error) };
    }
  }

  test.each(all)('$name', async (one) => {
    const seen = await ours(one);
    if (one.fails === undefined) expect(seen).toMatchSnapshot();
    else expect(seen.fails).toContain(one.fails);
  });

  const theirs = (one: Case, builder: PeerBuilder): Promise<Seen> => {
    if (peer === undefined) throw new Error('no peer');
    return peer.see(one, builder);
  };

  describe.skipIf(peerMissing !== undefined)(
    `as the classic builder of a real engine does it (needs ${peerMissing ?? ''})`,
    () => {
      test.each(all.filter(({ notOnClassic }) => notOnClassic === undefined))('$name', async (one) => {
        expect(comparableOf(await ours(one))).toEqual(comparableOf(await theirs(one, 'classic')));
      });
    },
  );

  describe.skipIf(buildKitMissing !== undefined)(
    `as the BuildKit of a real engine does it (needs ${buildKitMissing ?? ''})`,
    () => {
      test.each(all.filter(({ notOnBuildKit }) => notOnBuildKit === undefined))('$name', async (one) => {
        const [seen, wanted] = [await ours(one), await theirs(one, 'buildkit')];
        // Its words are its own: the message, and the history.
        if (seen.fails !== undefined) expect(wanted.fails).toBeDefined();
        else expect(comparableOf({ ...seen, history: [] })).toEqual(comparableOf({ ...wanted, history: [] }));
      });
    },
  );
});

function contextOf(context: string, folder: string): AdditionalContext {
  const reference = /^docker-image:\/\/(.+)$/.exec(folder)?.[1];
  return reference === undefined ? { kind: 'directory', path: join(context, folder) } : { kind: 'image', reference };
}

/**
 * Without what two engines cannot have in common: hashes of content and the names of base images. A list of nothing
 * says what none says.
 */
function comparableOf(seen: Seen): unknown {
  const text = JSON.stringify(seen)
    .replace(/(file|dir|multi):[0-9a-f]{64}/g, '$1')
    .replace(/tscompose-peer-base(:\d+)?/g, 'busybox');
  return JSON.parse(text, (name, value: unknown) =>
    ['Cmd', 'Entrypoint'].includes(name) && Array.isArray(value) && value.length === 0 ? undefined : value,
  );
}
