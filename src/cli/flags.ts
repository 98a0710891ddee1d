/** Flags as data: one table gives parsing, types, help, and later completion and documentation. */
export interface Flag<Value> {
  readonly type: 'switch' | 'text' | 'integer' | 'list';
  readonly summary: string;
  /** One letter. */
  readonly short?: string;
  /** Accepted, not shown in help. */
  readonly hidden?: boolean;
  /** Stands for the value in help, and tells completion what it is: FILE, FOLDER, SERVICE, PROFILE. */
  readonly placeholder?: string;
  /** The values there are, for completion. */
  readonly choices?: readonly string[];
  /** Another long spelling from earlier releases, without dashes; always hidden. */
  readonly oldName?: string;
  /** Value when the flag is not given. */
  readonly fallback: Value;
}

type Details = Omit<Flag<unknown>, 'type' | 'summary' | 'fallback'>;

/** Keys are the long names in camel case: `noDeps` is `--no-deps`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

export type FlagValues<Table extends Flags> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

export function flag(summary: string, details: Details = {}): Flag<boolean> {
  return { type: 'switch', summary, fallback: false, ...details };
}

/** On unless `--name=false`. */
export function flagOn(summary: string, details: Details = {}): Flag<boolean> {
  return { type: 'switch', summary, fallback: true, ...details };
}

/** Undefined when not given, so that an environment variable can decide. */
export function flagOrUnset(summary: string, details: Details = {}): Flag<boolean | undefined> {
  return { type: 'switch', summary, fallback: undefined, ...details };
}

export function text(summary: string, details: Details = {}): Flag<string | undefined> {
  return { type: 'text', summary, fallback: undefined, ...details };
}

export function textOr(fallback: string, summary: string, details: Details = {}): Flag<string> {
  return { type: 'text', summary, fallback, ...details };
}

export function integer(summary: string, details: Details = {}): Flag<number | undefined> {
  return { type: 'integer', summary, fallback: undefined, ...details };
}

/** May be repeated; values in the order given. */
export function list(summary: string, details: Details = {}): Flag<readonly string[]> {
  return { type: 'list', summary, fallback: [], ...details };
}

export function longName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
