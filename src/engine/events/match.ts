import type { Filters } from '../../api/common.js';
import type { EngineEvent } from '../../api/events.js';
import { hasLabel } from '../../base/label-filter.js';

/** Values of one key are alternatives, except `label` where all must hold; keys must all hold ("Monitor events"). */
export function matchesEvent(event: EngineEvent, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => values.length === 0 || matchesKey(event, key, values));
}

function matchesKey(event: EngineEvent, key: string, values: readonly string[]): boolean {
  const { Type, Action, Actor } = event;
  switch (key) {
    case 'type':
      return values.includes(Type);
    case 'event':
      // `health_status: healthy` is also found as `health_status`, `exec_start: sh` as `exec_start`.
      return values.some((value) => value === Action || value === Action.split(':')[0]);
    case 'label':
      return values.every((value) => hasLabel(Actor.Attributes, value));
    case 'scope':
      return values.includes(event.scope);
    case 'image':
      return isImage(event, values);
    default:
      return Type === key && values.some((value) => named(event, value));
  }
}

function named({ Actor }: EngineEvent, value: string): boolean {
  const name = Actor.Attributes['name'];
  return (
    Actor.ID === value || name === value || `/${name ?? ''}` === value || (value !== '' && Actor.ID.startsWith(value))
  );
}

/** Of an image event its name, of a container event its image; a value without tag finds every tag. */
function isImage({ Type, Actor }: EngineEvent, values: readonly string[]): boolean {
  const image =
    Type === 'image'
      ? (Actor.Attributes['name'] ?? Actor.ID)
      : Type === 'container'
        ? Actor.Attributes['image']
        : undefined;
  if (image === undefined) return false;
  return values.some((value) => value === image || value === Actor.ID || value === withoutTag(image));
}

function withoutTag(image: string): string {
  const at = image.lastIndexOf(':');
  return at > image.lastIndexOf('/') ? image.slice(0, at) : image;
}
