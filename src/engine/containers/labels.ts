import { composeLabels } from '../../api/labels.js';
import type { Container } from './container.js';

/** Whose graph decides about a container; undefined for one of `run`, and for all that belong to no project. */
export function projectOf({ record }: Container): string | undefined {
  const labels = record.config.Labels ?? {};
  return labels[composeLabels.oneoff] === 'True' ? undefined : labels[composeLabels.project];
}

export function serviceOf({ record }: Container): string {
  return record.config.Labels?.[composeLabels.service] ?? '';
}
