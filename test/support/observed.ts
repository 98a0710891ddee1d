import type { Project } from '../../src/compose/index.js';
import { imageOf, planUp, type ObservedImage, type ObservedState, type UpOptions } from '../../src/plan/index.js';
import { simulate } from './simulate.js';

export function image(name: string, more: Partial<ObservedImage> = {}): ObservedImage {
  return { id: `sha256:${name}`, platform: 'linux/amd64', volumes: [], hasHealthCheck: false, ...more };
}

/** An engine that has the project's images and nothing else. */
export function withImages(project: Project): ObservedState {
  const names = Object.entries(project.model.services).map(([service, definition]) =>
    imageOf(project, service, definition),
  );
  return {
    containers: [],
    networks: [],
    volumes: [],
    images: Object.fromEntries(names.map((name) => [name, image(name)])),
  };
}

/** An engine on which the project is up. */
export function running(project: Project, options: UpOptions = {}): ObservedState {
  const before = withImages(project);
  return simulate(before, planUp(project, before, options));
}
