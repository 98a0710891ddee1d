import type { Operation } from '../plan/index.js';

/** How an operation shows: what it is about, and docker compose's words for its begin and end. */
export interface OperationProgress {
  readonly subject: string;
  readonly begin: string;
  /** Undefined: a later operation ends it. */
  readonly end: string | undefined;
}

const providerWords = {
  up: { begin: 'Creating', end: 'Created' },
  down: { begin: 'Removing', end: 'Removed' },
  stop: { begin: 'Stopping', end: 'Stopped' },
} as const;

/** Undefined for what reports its own progress, and for steps too small to show. */
export function progressOf(operation: Operation): OperationProgress | undefined {
  switch (operation.kind) {
    case 'image.pull':
      return { subject: `Image ${operation.image}`, begin: 'Pulling', end: 'Pulled' };
    case 'image.push':
      return { subject: `Image ${operation.image}`, begin: 'Pushing', end: 'Pushed' };
    case 'image.build':
      return { subject: `Image ${operation.image}`, begin: 'Building', end: 'Built' };
    case 'image.remove':
      return { subject: `Image ${operation.image}`, begin: 'Removing', end: 'Removed' };
    case 'provider.run':
      return { subject: `Service ${operation.service}`, ...providerWords[operation.action] };
    case 'model.provide':
      return { subject: `Model ${operation.key}`, begin: 'Configuring', end: 'Configured' };
    case 'network.create':
      return { subject: `Network ${operation.network}`, begin: 'Creating', end: 'Created' };
    case 'network.remove':
      return { subject: `Network ${operation.network}`, begin: 'Removing', end: 'Removed' };
    case 'volume.create':
      return { subject: `Volume ${operation.volume}`, begin: 'Creating', end: 'Created' };
    case 'volume.remove':
      return { subject: `Volume ${operation.volume}`, begin: 'Removing', end: 'Removed' };
    case 'container.create':
      return operation.name === operation.finalName || operation.name === ''
        ? { subject: `Container ${operation.finalName}`, begin: 'Creating', end: 'Created' }
        : { subject: `Container ${operation.finalName}`, begin: 'Recreate', end: undefined };
    case 'container.rename':
      return { subject: `Container ${operation.newName}`, begin: 'Recreate', end: 'Recreated' };
    case 'container.start':
      return about(operation.container.name, 'Starting', 'Started');
    case 'container.stop':
      return about(operation.container.name, 'Stopping', 'Stopped');
    case 'container.restart':
      return about(operation.container.name, 'Restarting', 'Started');
    case 'container.kill':
      return about(operation.container.name, 'Killing', 'Killed');
    case 'container.pause':
      return about(operation.container.name, 'Pausing', 'Paused');
    case 'container.unpause':
      return about(operation.container.name, 'Unpausing', 'Unpaused');
    case 'container.remove':
      return about(operation.container.name, 'Removing', 'Removed');
    case 'container.exec':
    case 'container.upload':
    case 'container.wait':
    case 'network.connect':
    case 'network.disconnect':
      return undefined;
  }
}

function about(name: string, begin: string, end: string): OperationProgress {
  return { subject: `Container ${name}`, begin, end };
}
