import { referencesIn, substitute, TemplateError, type TemplateReference } from '../template.js';
import type { LayerEntry, VariableLayer } from '../trace.js';
import type { VariablePlace, VariableUse } from './step.js';

/** Each variable of a text with every place it was looked up in, and the one that won. */
export function usesIn(template: string, layers: readonly VariableLayer[]): readonly VariableUse[] {
  return referencesIn(template).map((reference) => useOf(reference, template, layers));
}

/** A bare name that takes its value from the variables of the project, or stays without one. */
export function bareUse(name: string, layers: readonly VariableLayer[]): VariableUse {
  const { places, value } = search(name, layers);
  const nothing: VariablePlace = { place: 'nothing', state: value === undefined ? 'wins' : 'not needed' };
  return { name, expression: name, value, places: value === undefined ? [...places, nothing] : places, inner: [] };
}

function useOf(reference: TemplateReference, template: string, layers: readonly VariableLayer[]): VariableUse {
  const { name, operator, operand, start, end } = reference;
  const { places, value } = search(name, layers);
  const emptyIsUnset = operator.startsWith(':');
  const present = value !== undefined && (value !== '' || !emptyIsUnset);
  const instead: VariablePlace['state'] = present ? (operator.endsWith('+') ? 'set' : 'wins') : 'empty';
  const own = places.map((place): VariablePlace => (place.state === 'wins' ? { ...place, state: instead } : place));
  const last = lastPlace(operator, present, fillText(operand, layers));
  return {
    name,
    expression: template.slice(start, end),
    value: operator.endsWith('+')
      ? present
        ? fillText(operand, layers)
        : (value ?? '')
      : present
        ? value
        : last?.value,
    places: last === undefined ? own : [...own, last],
    inner: operator === '' ? [] : usesIn(operand, layers),
  };
}

/** What an operator adds to the places, at their end. */
function lastPlace(operator: string, present: boolean, operand: string): VariablePlace | undefined {
  switch (operator.at(-1)) {
    case '-':
      return { place: 'default', value: operand, state: present ? 'not needed' : 'wins' };
    case '+':
      return { place: 'alternate', value: operand, state: present ? 'wins' : 'not needed' };
    case '?':
      return present ? undefined : { place: 'required', value: operand, state: 'wins' };
    default:
      return present ? undefined : { place: 'nothing', value: '', state: 'wins' };
  }
}

function search(
  name: string,
  layers: readonly VariableLayer[],
): { readonly places: readonly VariablePlace[]; readonly value: string | undefined } {
  let value: string | undefined;
  const places: VariablePlace[] = [];
  for (const layer of layers) {
    const entry = layer.entries.get(name);
    if (layer.kind === 'project name' && entry === undefined) continue;
    const set = entry?.value !== undefined;
    places.push(placeOf(layer, entry, set ? (value === undefined ? 'wins' : 'hidden') : 'not set'));
    value ??= entry?.value;
  }
  return { places, value };
}

function placeOf(layer: VariableLayer, entry: LayerEntry | undefined, state: VariablePlace['state']): VariablePlace {
  return {
    place: layer.kind,
    ...(layer.file !== undefined && { file: layer.file }),
    ...(layer.reason !== undefined && { reason: layer.reason }),
    ...(entry?.at !== undefined && { at: entry.at }),
    ...(entry?.value !== undefined && { value: entry.value }),
    state,
  };
}

/** A text with its variables filled in; as it is where it demands one that is missing. */
export function fillText(operand: string, layers: readonly VariableLayer[]): string {
  const lookup = (name: string): string | undefined => search(name, layers).value;
  try {
    return substitute(operand, { lookup });
  } catch (error) {
    if (error instanceof TemplateError) return operand;
    throw error;
  }
}
