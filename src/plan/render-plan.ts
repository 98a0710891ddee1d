import { displayName } from './names.js';
import type { Operation, Plan } from './operation.js';

/**
 * One line a step: `2 after 1  network.remove  front  config hash differs`, columns aligned; then the warnings. An
 * empty plan is an empty text.
 */
export function renderPlan(plan: Plan): string {
  const rows = plan.steps.map(({ id, operation, after }) => [
    `${id}${after.length === 0 ? '' : ` after ${after.join(',')}`}`,
    operation.kind,
    subjectOf(plan.project, operation),
    operation.cause,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const warnings = plan.warnings.map(({ subject, message }) => `warning: ${subject} ${message}`);
  const again = plan.again === undefined ? [] : ['then, with what these bring: compare again'];
  return [...lines, ...again, ...warnings].join('\n');
}

/** What an operation is done to, in short. */
export function subjectOf(project: string, operation: Operation): string {
  switch (operation.kind) {
    case 'image.pull':
    case 'image.push':
    case 'image.build':
    case 'image.remove':
      return operation.image;
    case 'network.create':
    case 'network.remove':
      return operation.network;
    case 'volume.create':
    case 'volume.remove':
      return operation.volume;
    case 'provider.run':
      return `${operation.service} ${operation.type} ${operation.action}`;
    case 'model.provide':
      return `${operation.key} ${operation.model}`;
    case 'container.create':
      return displayName(project, operation.finalName);
    case 'container.wait':
      return `${operation.service} ${operation.condition}${operation.required ? '' : ', if it can'}`;
    case 'network.connect':
    case 'network.disconnect':
      return `${displayName(project, operation.container.name)} ${operation.network}`;
    case 'container.rename':
      return displayName(project, operation.newName);
    default:
      return displayName(project, operation.container.name);
  }
}
