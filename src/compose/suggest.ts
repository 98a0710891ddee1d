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

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other, counted up to `limit`. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? limit;
}
