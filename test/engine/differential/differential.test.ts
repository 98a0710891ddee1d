import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { writeFiles } from '../../support/test-folder.js';
import { ours, peers, play, type Outcome } from './differential.js';
import { moreScenarios } from './more-scenarios.js';
import { scenarios as basicScenarios, type Scenario } from './scenarios.js';

/**
 * The same scripts of commands against us and against docker compose, each on its own engine. What docker compose does
 * is recorded in `golden/`; with TSCOMPOSE_PEER=1 and DOCKER_HOST it is asked again, and TSCOMPOSE_RECORD=1 keeps the
 * answers. `deviations.ts` lists where we differ on purpose.
 */
const missing = engineMissing();
const peer = process.env['TSCOMPOSE_PEER'] === '1' && process.env['DOCKER_HOST'] !== undefined;
const recording = peer && process.env['TSCOMPOSE_RECORD'] === '1';

const scenarios = [...basicScenarios, ...moreScenarios];

type Golden = Readonly<Record<string, Outcome>>;

const goldenPath = (name: string): URL => new URL(`golden/${name}.json`, import.meta.url);

async function expected(scenario: Scenario): Promise<Golden> {
  if (!peer) return JSON.parse(readFileSync(goldenPath(scenario.name), 'utf8')) as Golden;
  const folder = join(mkdtempSync(join(tmpdir(), 'peer-')), scenario.name);
  writeFiles(folder, scenario.files);
  try {
    const played = await play(scenario, peers(), folder);
    const golden = Object.fromEntries(played.map(({ step, outcome }) => [step, outcome]));
    if (recording) {
      mkdirSync(new URL('golden/', import.meta.url), { recursive: true });
      writeFileSync(goldenPath(scenario.name), `${JSON.stringify(golden, undefined, 2)}\n`);
    }
    return golden;
  } finally {
    await peers().run(['-p', scenario.name, 'down', '-v', '-t', '0', '--remove-orphans'], { cwd: folder });
    rmSync(dirname(folder), { recursive: true });
  }
}

test('the scripts have 300 commands and more', () => {
  expect(scenarios.flatMap(({ steps }) => steps).length).toBeGreaterThanOrEqual(300);
});

describe.skipIf(missing !== undefined)('beside docker compose', () => {
  let sandbox: EngineSandbox;

  beforeAll(async () => {
    sandbox = await new EngineSandbox({ TZ: 'UTC', TSCOMPOSE_COMMAND_SERVER: '1' }).withBusybox();
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s: every exit code, output and state is the same',
    async (name, scenario) => {
      const golden = await expected(scenario);
      const cwd = sandbox.project(name, scenario.files);
      const played = await play(scenario, await ours(sandbox), cwd);
      const { deviations } = await import('./deviations.js');
      const known = deviations[name] ?? {};
      const mine = Object.fromEntries(played.map(({ step, outcome }) => [step, outcome]));
      const wanted = Object.fromEntries(
        Object.entries(golden).map(([step, outcome]) => [step, { ...outcome, ...known[step]?.ours }]),
      );
      expect(mine).toEqual(wanted);
    },
    180_000,
  );
});
