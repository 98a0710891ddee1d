import { invalidUsage } from '../../base/invalid-usage.js';
import { yamlText, type TemplateVariable } from '../../compose/index.js';

const header = ['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE'];
const narrowestColumn = 20;
const gap = 3;

/** Variables as `config --variables` prints them: docker compose's table, JSON or YAML. @throws `usage/invalid` */
export function renderVariables(variables: readonly TemplateVariable[], format = 'table'): string {
  switch (format.toLowerCase()) {
    case 'table':
    case 'pretty':
    case '':
      return table(variables);
    case 'json':
      // One line end of the JSON writer, one of the line it is printed on.
      return `${JSON.stringify(byName(variables, jsonMembers), undefined, 4)}\n\n`;
    case 'yaml':
      return yamlText(byName(variables, yamlMembers));
    default:
      throw invalidUsage('--format', `--format: "${format}" is none of table, json and yaml`);
  }
}

/** Columns at least 20 cells wide, where a column that is not the last is padded to its end. */
function table(variables: readonly TemplateVariable[]): string {
  const rows = variables.map(({ name, required, defaultValue, presenceValue }) => [
    name,
    String(required),
    defaultValue,
    presenceValue,
  ]);
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(narrowestColumn, ...all.map((row) => (row[column] ?? '').length + gap)),
  );
  const lines = all.map((row) => row.map((cell, column) => (column === 3 ? cell : cell.padEnd(widths[column] ?? 0))));
  return lines.map((cells) => `${cells.join('')}\n`).join('');
}

function byName(
  variables: readonly TemplateVariable[],
  members: (variable: TemplateVariable) => Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const variable of variables) result[variable.name] = members(variable);
  return result;
}

function jsonMembers({ name, defaultValue, presenceValue, required }: TemplateVariable): Record<string, unknown> {
  return { Name: name, DefaultValue: defaultValue, PresenceValue: presenceValue, Required: required };
}

function yamlMembers({ name, defaultValue, presenceValue, required }: TemplateVariable): Record<string, unknown> {
  const entries = Object.entries({ name, defaultvalue: defaultValue, presencevalue: presenceValue, required });
  return { ordered: entries };
}
