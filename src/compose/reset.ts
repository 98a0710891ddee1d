import { mapChildren, type Node } from './node.js';

/** Takes out of an earlier model what a later document tags `!reset` or `!override`. */
export function applyResets(root: Node, resets: readonly (readonly string[])[]): Node {
  let node = root;
  for (const path of resets) node = without(node, path);
  return node;
}

function without(node: Node, path: readonly string[]): Node {
  const [step, ...rest] = path;
  // Single items of lists cannot be reset: their places shift when lists are merged.
  if (step === undefined || node.kind !== 'map') return node;
  return mapChildren(node, (member, key) => {
    if (key !== step) return member;
    return rest.length === 0 ? undefined : without(member, rest);
  });
}
