import { expect, test } from 'vitest';
import { onDefaultPlatform } from '../../../src/cli/default-platform.js';
import { failureOf } from '../../support/failure.js';
import { project } from '../../support/project.js';

const environment = { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' };

test('DOCKER_DEFAULT_PLATFORM is for services that name no platform', () => {
  const services = {
    plain: { image: 'a' },
    own: { image: 'b', platform: 'linux/riscv64' },
    built: { build: { context: '/x', dockerfile: 'Dockerfile', platforms: ['linux/amd64', 'linux/arm64'] } },
  };
  const { model, disabledServices } = onDefaultPlatform(
    project({ services, disabledServices: { later: { image: 'c' } }, environment }),
  );
  const platforms = Object.entries({ ...model.services, ...disabledServices }).map(([name, one]) => [
    name,
    one.platform,
  ]);
  expect(Object.fromEntries(platforms)).toEqual({
    plain: 'linux/arm64',
    own: 'linux/riscv64',
    built: 'linux/arm64',
    later: 'linux/arm64',
  });
});

test('without it nothing changes', () => {
  const plain = project({ services: { plain: { image: 'a' } } });
  expect(onDefaultPlatform(plain)).toBe(plain);
});

test('a service that is built for others only is refused', () => {
  const build = { context: '/x', dockerfile: 'Dockerfile', platforms: ['linux/amd64'] };
  expect(failureOf(() => onDefaultPlatform(project({ services: { web: { build } }, environment })))).toMatchObject({
    code: 'cli/wrong-default-platform',
    message: 'service "web" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: linux/arm64',
  });
});
