import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../../src/base/errors.js';
import type { Case } from './case.js';
import { cases } from './cases.js';
import { BuildLab, missing } from './lab.js';
import { moreCases } from './more-cases.js';
import { Peer, peerMissing } from './peer.js';

const all = [...cases, ...moreCases];

/** What can be seen of a built image. */
interface Seen {
  readonly fails?: string;
  readonly tree?: readonly string[];
  readonly config?: unknown;
  readonly history?: readonly (string | undefined)[];
}

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

  const comparable = all.filter(({ notOnPeer }) => notOnPeer === undefined);
  describe.skipIf(peerMissing !== undefined)(
    `as the classic builder of a real engine does it (needs ${peerMissing ?? ''})`,
    () => {
      test.each(comparable)('$name', async (one) => {
        if (peer === undefined) throw new Error('no peer');
        const seen = await ours(one);
        const theirs = await peer.see(one);
        expect(comparableOf(seen)).toEqual(comparableOf(theirs));
      });
    },
  );
});

/** Without what two engines cannot have in common: hashes of content and the names of base images. */
function comparableOf(seen: unknown): unknown {
  const text = JSON.stringify(seen)
    .replace(/(file|dir|multi):[0-9a-f]{64}/g, '$1')
    .replace(/tscompose-peer-base(:\d+)?/g, 'busybox');
  return JSON.parse(text);
}
