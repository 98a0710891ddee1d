import { loadProject, type LoadOptions } from './load.js';
import { variablesOf, type TemplateVariable } from './template.js';

/**
 * Every variable the project's files refer to, with those they include and extend, by name, each once: the first
 * mention with a default, an alternate value or a demand counts.
 * @throws when the files do not load
 */
export async function listVariables(options: LoadOptions): Promise<readonly TemplateVariable[]> {
  const project = await loadProject({
    ...options,
    without: [...(options.without ?? []), 'interpolate', 'consistency'],
  });
  const found = new Map<string, TemplateVariable>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'string' && value.includes('$')) {
      for (const variable of variablesOf(value)) {
        const known = found.get(variable.name);
        if (known === undefined || !saysMore(known)) found.set(variable.name, variable);
      }
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(project.raw);
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function saysMore(variable: TemplateVariable): boolean {
  return variable.defaultValue !== '' || variable.presenceValue !== '' || variable.required;
}
