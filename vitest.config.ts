import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ownMachinePool } from './test/support/own-machine-pool.js';

/** Of the engine tests, those that take a minute and more: they start first, so that none is left when all others end. */
const longest = ['engine-killed', 'differential', 'docker-tour'].map((name) => `/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => longest.some((end) => moduleId.endsWith(end));
    return (await super.sort(files)).sort((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

/** On a machine with much else to do a process may take seconds to start; what is waited for comes at once otherwise. */
const expect = { poll: { timeout: 10_000 } };

export default defineConfig({
  test: {
    maxWorkers: '100%', // of the cores; one is left idle otherwise
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          expect,
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000, // emptying a folder of tens of thousands of files
          globalSetup: ['test/support/compiled-schemas.ts'],
        },
      },
      {
        test: {
          name: 'cli',
          expect,
          include: ['test/cli/**/*.test.ts'],
          testTimeout: 30_000,
          globalSetup: ['test/support/built-cli.ts'],
        },
      },
      {
        test: {
          name: 'engine',
          expect,
          include: ['test/engine/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          pool: ownMachinePool,
          maxWorkers: 2, // more of them make each other late, and tests of time-outs fail
          sequence: { groupOrder: 1 }, // after the others, which use every core
          globalSetup: ['test/support/built-cli.ts'],
        },
      },
    ],
  },
});
