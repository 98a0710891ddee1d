import { expect, test } from 'vitest';
import { renderLocation } from '../../../../src/base/source-location.js';
import { parseDockerfile } from '../../../../src/engine/builder/dockerfile/parse.js';
import { type NeededSources, neededSources } from '../../../../src/engine/builder/plan/needed-sources.js';
import type { BuildRequest } from '../../../../src/engine/builder/index.js';

const text = `ARG TAG=20 FLAVOUR
FROM golang:1.22 AS unneeded
FROM --platform=linux/arm64 node:\${TAG}\${FLAVOUR:+-$FLAVOUR} AS build
RUN --mount=type=cache,target=/c,sharing=$MODE,from=seed:1 --mount=from=tools:1,target=/t,ro=$RO true
FROM scratch AS last
COPY --from=build /a /a
COPY --from=0 /b /b
COPY --from=nginx:1 /c /c
COPY --from=nginx:1 /d /d
COPY --from=named /e /e
COPY --from=folder /f /f
ONBUILD COPY --from=never /x /x
`;

function neededIn(text: string, more: Partial<BuildRequest> = {}): NeededSources {
  const request: BuildRequest = {
    context: { kind: 'directory', path: '/' },
    dockerfile: { kind: 'in-context', path: 'Dockerfile' },
    tags: [],
    args: {},
    labels: {},
    noCache: false,
    pull: false,
    networkMode: 'bridge',
    additionalContexts: {
      named: { kind: 'image', reference: 'other:3' },
      folder: { kind: 'directory', path: '/' },
    },
    ...more,
  };
  return neededSources(parseDockerfile(text, 'Dockerfile'), request);
}

function basesOf(more: Partial<BuildRequest> = {}): string[] {
  return neededIn(text, more).bases.map(({ reference, at }) => `${reference} ${renderLocation(at)}`);
}

test('the bases of a build are what the stages of its target start from, copy from and mount', () => {
  expect(basesOf()).toEqual([
    'node:20 Dockerfile:3:1',
    'seed:1 Dockerfile:4:1',
    'tools:1 Dockerfile:4:1',
    'golang:1.22 Dockerfile:2:1',
    'nginx:1 Dockerfile:8:1',
    'other:3 Dockerfile:10:1',
  ]);
});

test('target and arguments decide which they are', () => {
  expect(basesOf({ target: 'build', args: { TAG: '22', FLAVOUR: 'slim' } })).toEqual([
    'node:22-slim Dockerfile:3:1',
    'seed:1 Dockerfile:4:1',
    'tools:1 Dockerfile:4:1',
  ]);
  expect(() => basesOf({ target: 'absent' })).toThrow('failed to reach build target absent');
});

const withRepositories = `FROM node AS base
ARG REF=main
ENV HOST=git.example
ADD https://\${HOST}/a.git#\${REF} /a
FROM base
ADD https://\${HOST}/b.git#\${REF}:sub git@\${HOST}:c.git https://\${HOST}/file.txt ./file /b/
ADD https://\${HOST}/d.git#${'0'.repeat(40)} https://\${OF_BASE:?}/e.git /d/
`;

test('repositories of ADD are named with what the stage has set, unless they are at a commit', () => {
  const { repositories } = neededIn(withRepositories, { args: { REF: 'v2' } });
  expect(repositories.map(({ reference }) => reference)).toEqual([
    'https://git.example/a.git#v2',
    'https://git.example/b.git#v2:sub',
    'git@git.example:c.git',
  ]);
});

test('what base images have as ONBUILD counts where a stage starts from them', () => {
  const triggers = {
    node: ['ADD https://git.example/fired.git /x', 'COPY --from=tools:2 /t /t'],
    golang: ['COPY --from=x /x /'],
  };
  const { bases, repositories } = neededIn('FROM node\nCOPY --from=golang /go /go\n', {
    bases: { pins: {}, only: false, triggers },
  });
  expect(bases.map(({ reference, fires }) => `${reference} ${fires ? 'fires' : ''}`)).toEqual([
    'node fires',
    'tools:2 ',
    'golang ',
  ]);
  expect(repositories.map(({ reference }) => reference)).toEqual(['https://git.example/fired.git']);
});
