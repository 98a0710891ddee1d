import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type EngineClient } from '../../../../src/client/index.js';
import { engineMissing } from '../../../support/engine-sandbox.js';
import { EngineProcess } from '../../server/engine-process.js';
import type { Entry } from '../entry.js';
import { giveImage } from '../image.js';
import { image, Run } from '../run.js';
import { renderSecurity, securityPage } from './page.js';
import type { Rule } from './rule.js';
import { rules } from './rules.js';

/** Our engine, and beside it the dockerd at TSCOMPOSE_PEER_HOST if given. */
const peerHost = process.env['TSCOMPOSE_PEER_HOST'];
const missing = engineMissing();

describe.skipIf(missing !== undefined)(`by default (needs ${missing ?? 'nothing more'})`, () => {
  const engine = new EngineProcess();
  let peer: EngineClient | undefined;
  beforeAll(async () => {
    await engine.start();
    await giveImage(engine.client);
    if (peerHost === undefined) return;
    peer = connectEngine({ host: peerHost });
    await giveImage(peer);
  });
  afterAll(async () => {
    await peer?.images.remove(image, { force: true }, AbortSignal.timeout(60_000));
    await engine[Symbol.asyncDispose]();
  });

  const seen = async (client: EngineClient, rule: Rule): Promise<string> => {
    await using run = new Run(client, entryOf(rule));
    return rule.host === undefined ? await run.result() : await rule.host(engine, run);
  };

  test.each(rules)('$section: $rule', async (rule) => {
    const ours = await seen(engine.client, rule);
    if (typeof rule.expected === 'string') expect(ours).toBe(rule.expected);
    else expect(ours).toMatch(rule.expected);
    if (peer === undefined || rule.notLaxerThan === 'none') return;
    const theirs = await seen(peer, rule);
    if (rule.notLaxerThan === undefined) expect(ours).toBe(theirs);
    else expect(rule.notLaxerThan(ours, theirs), `ours: ${ours}\ntheirs: ${theirs}`).toBe(true);
  });
});

function entryOf({ entry, expected, rule }: Rule): Entry {
  return { attribute: '-', fields: [], effect: rule, expected, ...entry };
}

afterAll(() => {
  if (process.env['TSCOMPOSE_WRITE_CONFORMANCE'] !== '1') return;
  mkdirSync(dirname(securityPage), { recursive: true });
  writeFileSync(securityPage, renderSecurity(rules));
});
