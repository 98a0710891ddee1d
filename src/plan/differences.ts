import type { Project, Service } from '../compose/index.js';
import { renderLocation } from '../base/source-location.js';
import { definitionText, ownLabels } from './labels.js';
import type { ObservedContainer } from './observed-state.js';

const shown = 3;

/**
 * Why a config hash differs, in fields: `ports[0].published 8080 → 8081, compose.yaml:9`. Containers of docker compose
 * carry no definition, so for them the answer is only that it differs.
 */
export function explainHash(
  project: Project,
  service: string,
  definition: Service,
  container: ObservedContainer,
): string {
  const before = container.labels[ownLabels.definition];
  if (before === undefined) return 'config hash differs';
  const changes = [...differences(parse(before), parse(definitionText(definition)), [])];
  if (changes.length === 0) return 'config hash differs';
  const texts = changes.slice(0, shown).map(({ path, how }) => {
    const at = project.locate(['services', service, ...path]);
    const where = at === undefined ? '' : `, ${renderLocation(at).replace(/^.*\//, '').replace(/:\d+$/, '')}`;
    return `${renderPath(path)} ${how}${where}`;
  });
  return changes.length > shown ? `${texts.join('; ')} and ${changes.length - shown} more` : texts.join('; ');
}

interface Change {
  readonly path: readonly (string | number)[];
  /** `8080 → 8081` */
  readonly how: string;
}

function* differences(before: unknown, after: unknown, path: readonly (string | number)[]): Generator<Change> {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const step = Array.isArray(before) ? Number(key) : key;
      yield* differences(before[key], after[key], [...path, step]);
    }
    return;
  }
  // Values of environments are digests here, those of hooks too, and nobody's business.
  const how = path.includes('environment') ? verb(before, after) : `${brief(before)} → ${brief(after)}`;
  yield { path, how };
}

function brief(value: unknown): string {
  if (value === undefined || value === null) return 'unset';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function verb(before: unknown, after: unknown): string {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}

function renderPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('');
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a label is anybody's to write
  }
}
