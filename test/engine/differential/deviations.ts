import type { Outcome } from './differential.js';

/** What we do in place of what docker compose 2.26 does, and why. */
export interface Deviation {
  readonly ours: Partial<Outcome>;
  readonly why: string;
}

const misspelt = { exitCode: 1, stdout: '' };
const noQuestion = { ours: { stdout: '' }, why: '--force asks nothing; 2.26 prints the question, later ones do not' };

const noTitle = '2.26 has <no value> for the title of this column';

/** Where we differ from docker compose 2.26 on purpose, by scenario and step. */
export const deviations: Readonly<Record<string, Readonly<Record<string, Deviation>>>> = {
  difflife: {
    '10: ps --status bogus': { ours: misspelt, why: 'a state that does not exist is told' },
    '32: rm -f web': noQuestion,
    '33: rm -f': noQuestion,
  },
  diffscale: { '13: rm -f -s -v': noQuestion },
  diffexec: {
    '13: exec -T web no-such-command': {
      ours: {
        exitCode: 127,
        stdout:
          'OCI runtime exec failed: exec failed: unable to start container process: exec: "no-such-command": executable file not found in $PATH: unknown\n',
      },
      why: 'the code that shells and later engines give a command that is not found',
    },
  },
  difflogs: {
    '7: logs --tail bogus one': { ours: misspelt, why: 'what is no number is told, not taken for all' },
  },
  diffattach: {
    '5: up --no-attach side --exit-code-from side': {
      ours: { exitCode: 137 },
      why: 'the code of the service that was asked for, whether or not its output is shown',
    },
  },
  diffthings: {
    '31: exec -T web ls /anonymous': {
      ours: { stdout: '' },
      why: '-V renews anonymous volumes of containers that are otherwise up to date, as later ones do',
    },
  },
  difftemplates: {
    '25: ps --format "table {{.Service}}\\t{{.State}}\\t{{.Health}}"': {
      ours: { stdout: 'SERVICE   STATE     HEALTH\ndb        running   healthy\nweb       running\n' },
      why: noTitle,
    },
    '28: ps -a --format "table {{.Service}}\\t{{.ExitCode}}\\t{{.Image}}"': {
      ours: {
        stdout:
          'SERVICE   EXIT CODE   IMAGE\ndb        0           busybox\njob       7           busybox\nweb       0           busybox\n',
      },
      why: noTitle,
    },
  },
  diffnames: { '8: rm -f own': noQuestion },
  diffwaits: { '21: rm -f quick': noQuestion, '22: rm -sf slow': noQuestion },
  differrors: {
    '1: bogus': { ours: { stdout: '' }, why: 'help that nobody asked for is no result' },
    '24: --ansi bogus ps': { ours: misspelt, why: 'a value that does not exist is told' },
  },
};
