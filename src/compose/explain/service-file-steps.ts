import { referencesIn } from '../template.js';
import type { LayerEntry, Trace, VariableLayer } from '../trace.js';
import type { EnvEntry } from '../environment.js';
import type { Step } from './step.js';
import { usesIn } from './variable-uses.js';

interface Question {
  readonly service: string;
  readonly attribute: 'environment' | 'labels';
  readonly name: string;
  /** Steps of what the service says itself; none where it says nothing. */
  readonly own: readonly Step[];
  readonly trace: Trace;
  readonly layers: readonly VariableLayer[];
}

const wins = {
  environment: 'environment wins over env_file',
  labels: 'labels win over label_file',
} as const;

/** Steps of a variable or label that files of the service may give as well as the service itself. */
export function serviceFileSteps({ service, attribute, name, own, trace, layers }: Question): readonly Step[] {
  const source = attribute === 'environment' ? 'env_file' : 'label_file';
  const reads = trace.serviceFiles.filter((read) => read.service === service && read.attribute === source);
  const steps: Step[] = [];
  let seen: readonly VariableLayer[] = [];
  for (const { file, entries } of reads) {
    const layer = new Map<string, LayerEntry>(entries.map((entry) => [entry.name, entry]));
    const outside = [...seen, ...(source === 'env_file' ? layers : [])];
    for (const entry of entries) {
      if (entry.name !== name) continue;
      const again = steps.length > 0;
      steps.push(...entrySteps(entry, source, outside, { kind: 'env file', file, entries: layer }));
      if (again) steps.push({ kind: 'over', manner: 'replaces', reason: 'the later line or file wins' });
    }
    seen = [{ kind: 'env file', file, entries: layer }, ...seen];
  }
  if (own.length === 0) return steps;
  if (steps.length === 0) return own;
  return [...steps, ...own, { kind: 'over', manner: 'replaces', reason: wins[attribute] }];
}

function entrySteps(
  entry: EnvEntry,
  source: 'env_file' | 'label_file',
  outside: readonly VariableLayer[],
  own: VariableLayer,
): readonly Step[] {
  const literal: Step = { kind: 'literal', source, at: entry.at, written: entry.written, via: [] };
  const template = expandable(entry);
  if (entry.value === undefined) return [literal];
  if (template === undefined) return [literal, ...unquoted(entry, entry.value)];
  const within = referencesIn(template).some(({ name }) => own.entries.has(name));
  const uses = usesIn(template, within ? [...outside, own] : outside);
  return [literal, { kind: 'variables', template, value: entry.value, uses }];
}

/** Quotes go without saying; escapes and comments do not. */
function unquoted({ written }: EnvEntry, value: string): readonly Step[] {
  const before = textOf(written);
  const plain = before.replace(/^(["'])([^]*)\1$/, '$2');
  return plain === value ? [] : [{ kind: 'converted', before, value, reason: 'escapes and comments of env files' }];
}

function textOf(written: string): string {
  return /^(?:export\s+)?[^=:]*[=:]\s*([^]*)$/.exec(written)?.[1] ?? written;
}

/** The value as written where variables in it were filled in; undefined where there is none or it is taken literally. */
export function expandable({ written, value }: Pick<EnvEntry, 'written' | 'value'>): string | undefined {
  const text = textOf(written);
  if (text.startsWith("'") || text === value || referencesIn(text).length === 0) return undefined;
  return text.replace(/^"([^]*)"$/, '$1');
}
