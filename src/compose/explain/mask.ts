import type { VariableReport } from './variables-report.js';
import type { Explanation, Step, VariablePlace, VariableUse } from './step.js';

/** Stands for a value nobody should read over a shoulder; it does not tell the length. */
const masked = '********';

const secretName =
  /pass(?:word|wd|phrase)?(?![a-z])|passw|secret(?!s?_(?:file|path|name)$)|token|api_?key|access_?key|private_?key|credential|(?:^|_)auth(?:$|_)|(?:^|_)pw(?:$|_)/i;
const notSecret = /(?:_file|_path|_dir|_name|_hosts?|_ttl|_expiry|_length|_method|_type)$/i;

/** Whether values under this key or in this variable are most likely a secret. */
function looksSecret(name: string): boolean {
  return secretName.test(name) && !notSecret.test(name);
}

/** Hides secrets in explanations: values of telling names, wherever they turn up, and passwords in URLs. */
export class Mask {
  readonly #secrets: readonly string[];

  /** @param variables - all that values may have been filled in with */
  constructor(variables: Iterable<readonly [string, string | undefined]>) {
    const secrets = new Set<string>();
    for (const [name, value] of variables) if (value && value.length > 5 && looksSecret(name)) secrets.add(value);
    this.#secrets = [...secrets].sort((left, right) => right.length - left.length);
  }

  /** A text about the variable or key `name`. */
  text(text: string, name = ''): string {
    if (text !== '' && looksSecret(name)) return masked;
    let result = text.replace(/(:\/\/[^\s:/@]+:)(?!\$)[^\s@/]+(?=@)/g, `$1${masked}`);
    for (const secret of this.#secrets) result = result.replaceAll(secret, masked);
    return result.replace(/\$\{(\w+)(:?[-+])([^}]+)\}/g, (match: string, variable: string, operator: string) =>
      looksSecret(variable) ? `\${${variable}${operator}${masked}}` : match,
    );
  }

  explanation({ path, value, steps }: Explanation): Explanation {
    const name = /([^.[\]]+)(?:\[\d+\])*$/.exec(path)?.[1] ?? '';
    const inner = new Mask([...this.#secrets.map((secret) => ['SECRET', secret] as const), ...ownSecrets(name, value)]);
    const hidden = typeof value === 'string' ? inner.text(value, name) : value;
    return { path, value: hidden, steps: steps.map((step) => inner.#step(step, name)) };
  }

  #step(step: Step, name: string): Step {
    switch (step.kind) {
      case 'literal':
        return { ...step, written: this.#written(step.written, name) };
      case 'variables':
        return {
          ...step,
          template: this.#written(step.template, name),
          value: this.text(step.value, name),
          uses: step.uses.map((use) => this.use(use, name)),
        };
      case 'looked-up':
        return { ...step, use: this.use(step.use, name) };
      case 'expanded':
        return { ...step, short: this.#written(step.short, name), value: this.text(step.value, name) };
      case 'default':
        return { ...step, value: this.text(step.value, name) };
      case 'path':
        return { ...step, written: this.text(step.written), value: this.text(step.value) };
      case 'converted':
        return { ...step, before: this.#written(step.before, name), value: this.text(step.value, name) };
      default:
        return step;
    }
  }

  use(use: VariableUse, context = ''): VariableUse {
    const name = looksSecret(context) ? context : use.name;
    return {
      ...use,
      expression: this.#written(use.expression, name),
      value: use.value === undefined ? undefined : this.text(use.value, name),
      places: use.places.map((place) => this.#place(place, name)),
      inner: use.inner.map((one) => this.use(one, name)),
    };
  }

  variable(report: VariableReport): VariableReport {
    const { name, value, places, uses } = report;
    return {
      name,
      value: value === undefined ? undefined : this.text(value, name),
      places: places.map((place) => this.#place(place, name)),
      uses: uses.map((use) => ({ ...use, expression: this.#written(use.expression, name) })),
    };
  }

  #place(place: VariablePlace, name: string): VariablePlace {
    return place.value === undefined ? place : { ...place, value: this.text(place.value, name) };
  }

  /** Of what is written under a telling name the variables may be seen, not what stands around them. */
  #written(text: string, name: string): string {
    const assigned = /^(\s*(?:export\s+)?(['"]?)([\w.-]+)\s*[=:]\s*)([^]*?)\2$/.exec(text);
    const [, head = '', quote = '', key = '', value = ''] = assigned ?? [];
    if (assigned !== null && looksSecret(key)) return `${head}${variablesOnly(value)}${quote}`;
    return looksSecret(name) ? variablesOnly(text) : this.text(text);
  }
}

/** What stands under a telling key turns up elsewhere too: in the default of a variable, say. */
function ownSecrets(name: string, value: unknown): readonly (readonly [string, string])[] {
  return typeof value === 'string' && looksSecret(name) ? [[name, value]] : [];
}

function variablesOnly(text: string): string {
  if (text === '') return text;
  const shown = text.match(/\$\{\w+(?::?[-+?])?|\$\w+/g);
  if (shown === null) return masked;
  const parts = shown.map((part) =>
    !part.startsWith('${') ? part : /[-+]$/.test(part) ? `${part}${masked}}` : `${part}}`,
  );
  const bare = text.replace(/\$\{[^}]*\}|\$\w+/g, '') === '';
  return bare ? parts.join('') : `${masked} with ${parts.join(' and ')}`;
}
