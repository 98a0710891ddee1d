import { parseFiles } from './load-model.js';
import { findSetting, type LoadOptions } from './load.js';
import type { Node } from './node.js';
import { variablesOf, type TemplateVariable } from './template.js';

/**
 * Every variable the project's own files refer to, by name, each once: the first mention with a default, an alternate
 * value or a demand counts. Files they include or extend are not followed, as with docker compose.
 * @throws when the files cannot be read or parsed
 */
export async function listVariables(options: LoadOptions): Promise<readonly TemplateVariable[]> {
  const { inputs, context } = await findSetting(options);
  const found = new Map<string, TemplateVariable>();
  const visit = (node: Node): void => {
    if (node.kind === 'list') node.items.forEach(visit);
    else if (node.kind === 'map') for (const member of node.entries.values()) visit(member);
    else if (typeof node.value === 'string' && node.value.includes('$')) {
      for (const variable of variablesOf(node.value)) {
        const known = found.get(variable.name);
        if (known === undefined || !saysMore(known)) found.set(variable.name, variable);
      }
    }
  };
  for (const { documents } of parseFiles(inputs, context)) for (const { root } of documents) visit(root);
  context.problems.throwIfAny();
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function saysMore(variable: TemplateVariable): boolean {
  return variable.defaultValue !== '' || variable.presenceValue !== '' || variable.required;
}
