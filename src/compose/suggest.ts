import { editDistance } from '../base/edit-distance.js';

/** The known name a mistyped one was most likely meant to be; undefined when none is near. */
export function closestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = normalised(name);
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.floor(wanted.length / 2)) + 1;
  for (const candidate of [...known].sort()) {
    if (candidate === name) continue;
    const distance = editDistance(wanted, normalised(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "ports"?`, as a hint. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const near = closestName(name, known);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

// `container-name` and `ContainerName` are the same slip as `containername`.
function normalised(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}
