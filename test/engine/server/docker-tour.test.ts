import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TourEngine } from './tour/tour-engine.js';
import { parseTour, renderOutcome, renderTour, type Section, type Step } from './tour/tour-file.js';

const folder = fileURLToPath(new URL('tour/', import.meta.url));
const docker = process.env['TSCOMPOSE_DOCKER_CLI'] ?? 'docker';
/** The tours were written down with this CLI; another words its own messages and help otherwise. */
const recordedWith = '28';
const version = spawnSync(docker, ['--version'], { encoding: 'utf8' });
const cliMajor = version.error === undefined ? /version (\d+)/.exec(version.stdout)?.[1] : undefined;

/** A dockerd with nothing on it, since the tours list and prune; TSCOMPOSE_TOUR_RECORD=1 writes down what it answers. */
const peer = process.env['TSCOMPOSE_PEER_HOST'];
const recording = process.env['TSCOMPOSE_TOUR_RECORD'] === '1';
if (recording && peer === undefined) throw new Error('TSCOMPOSE_TOUR_RECORD needs a dockerd at TSCOMPOSE_PEER_HOST');

/** Only the tours with this in their names. */
const chosen = process.env['TSCOMPOSE_TOUR'] ?? '';

const tours = readdirSync(folder)
  .filter((name) => name.endsWith('.tour') && name.includes(chosen))
  .sort()
  .map((name) => ({ name, sections: parseTour(readFileSync(`${folder}${name}`, 'utf8')) }));

describe.skipIf(cliMajor !== recordedWith)(`the docker CLI ${recordedWith} gets the same from both engines`, () => {
  if (!recording) {
    describe('ours', () => {
      // A note whose difference has gone fails too: it would excuse the difference when it comes back.
      visit(new TourEngine(docker), ({ expected, ours }) => ours?.expected ?? expected);
    });
  }
  if (peer !== undefined) {
    describe('dockerd', () => {
      visit(new TourEngine(docker, peer), ({ expected }) => expected);
    });
  }
});

test.skipIf(chosen !== '')('the tours have 800 steps and more', () => {
  const steps = tours.flatMap(({ sections }) => sections.flatMap((section) => section.steps));
  expect(steps.length).toBeGreaterThanOrEqual(800);
});

/** @param expectedOf - what a step should end with */
function visit(engine: TourEngine, expectedOf: (step: Step) => string): void {
  beforeAll(() => engine.open());
  afterAll(() => engine[Symbol.asyncDispose]());

  for (const { name, sections } of tours) {
    const seen: Section[] = [];
    describe(name, () => {
      for (const section of sections) {
        test(section.title, async () => {
          const steps: Step[] = [];
          for (const step of section.steps) {
            steps.push({ ...step, expected: renderOutcome(await engine.run(step.command)) });
          }
          seen.push({ ...section, steps });
          if (recording) return;
          const plain = (list: readonly Step[]) => renderTour([{ ...section, steps: list }]);
          expect(plain(steps.map((step) => ({ ...step, ours: undefined })))).toBe(
            plain(section.steps.map((step) => ({ ...step, expected: expectedOf(step), ours: undefined }))),
          );
        });
      }
    });
    if (recording) {
      afterAll(() => {
        writeFileSync(`${folder}${name}`, renderTour(seen));
      });
    }
  }
}
