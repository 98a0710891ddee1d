import { expect, test } from 'vitest';
import { parseChallenges } from '../../../src/registry/auth.js';

test.each([
  [
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example/token', service: 'registry', scope: 'repository:a/b:pull,push' },
      },
    ],
  ],
  ['Basic realm="a \\"quoted\\" realm"', [{ scheme: 'basic', parameters: { realm: 'a "quoted" realm' } }]],
  ['Negotiate, Basic realm=x', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  ['', []],
  ['=,,=', []],
])('reads %s', (header, challenges) => {
  expect(parseChallenges(header)).toEqual(challenges);
});
