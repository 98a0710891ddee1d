/** What one look at the machine found. */
export interface Finding {
  readonly name: string;
  /** `missing` keeps the engine from working; `warning` costs a feature or speed. */
  readonly status: 'ok' | 'warning' | 'missing';
  /** What is there, for people. */
  readonly found: string;
  /** What to do, given with everything that is not `ok`. */
  readonly mend?: string;
}

/** Where the engine would live, and the way to ask. */
export interface Machine {
  readonly dataRoot: string;
  readonly runtimeDir: string;
  readonly isRoot: boolean;
  /** Standard output and error of a tool, or why it could not do its work. Never throws for the tool's own failure. */
  readonly run: (tool: string, args: readonly string[], input?: string) => Promise<ToolAnswer>;
  /** Text of a file, undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
}

export type ToolAnswer =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'failed'; readonly output: string }
  | { readonly kind: 'absent' };

export type Check = (machine: Machine) => Promise<Finding> | Finding;

export function ok(name: string, found: string): Finding {
  return { name, status: 'ok', found };
}

export function missing(name: string, found: string, mend: string): Finding {
  return { name, status: 'missing', found, mend };
}

export function warning(name: string, found: string, mend: string): Finding {
  return { name, status: 'warning', found, mend };
}

export function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.trim() ?? '';
}
