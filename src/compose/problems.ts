import { TscomposeError, type ErrorCode, type ErrorInit } from '../base/errors.js';
import type { NodePath } from './model.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'compose/no-file': { readonly searched: string };
    'compose/file-unreadable': { readonly file: string };
    'compose/yaml-syntax': { readonly problem: string };
    'compose/duplicate-key': { readonly key: string; readonly firstLine: number };
    'compose/key-not-text': { readonly path: string };
    'compose/not-a-mapping': { readonly path: string };
    'compose/empty': { readonly file: string };
    'compose/v1-file': { readonly file: string };
    'compose/unknown-key': { readonly path: string; readonly key: string; readonly suggestion?: string | undefined };
    'compose/missing-key': { readonly path: string; readonly key: string };
    'compose/wrong-type': { readonly path: string; readonly expected: string; readonly actual: string };
    'compose/invalid-value': { readonly path: string };
    'compose/duplicate-item': { readonly path: string };
    'compose/conflict': { readonly path: string };
    'compose/bad-interpolation': { readonly path: string; readonly template: string };
    'compose/variable-missing': { readonly path: string; readonly variable: string };
    'compose/invalid-project-name': { readonly name: string };
    'compose/env-file-missing': { readonly file: string };
    'compose/env-file-syntax': { readonly file: string; readonly line: number };
    'compose/extends-missing': { readonly service: string; readonly base: string };
    'compose/extends-cycle': { readonly chain: readonly string[] };
    'compose/include-cycle': { readonly chain: readonly string[] };
    'compose/undefined-reference': { readonly service: string; readonly kind: string; readonly name: string };
    'compose/undefined-dependency': { readonly service: string; readonly dependency: string };
    'compose/dependency-cycle': { readonly path: readonly string[] };
    'compose/unknown-service': { readonly service: string };
  }
}

/** Gathers what is wrong so that the user hears of all of it at once. */
export class Problems {
  readonly #found: TscomposeError[] = [];
  readonly #seen = new Set<string>();

  get any(): boolean {
    return this.#found.length > 0;
  }

  add<Code extends ErrorCode>(init: ErrorInit<Code>): void {
    this.keep(new TscomposeError(init));
  }

  /** Takes over a failure found elsewhere; one that says the same about the same place is kept once. */
  keep(error: TscomposeError): void {
    if (error.code === 'problems/several') {
      for (const problem of (error as TscomposeError<'problems/several'>).facts.problems) this.keep(problem);
      return;
    }
    const key = `${error.at?.file ?? ''}:${error.at?.line ?? 0}:${error.at?.column ?? 0}:${error.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push(error);
  }

  /** In the order of their lines. */
  get all(): readonly TscomposeError[] {
    return [...this.#found].sort(byPlace);
  }

  /** @throws the one problem found, or `problems/several` */
  throwIfAny(): void {
    const [first, second] = this.#found;
    if (first === undefined) return;
    if (second === undefined) throw first;
    const problems = this.all;
    throw new TscomposeError({
      code: 'problems/several',
      message: `found ${problems.length} problems`,
      facts: { problems },
    });
  }
}

/** `services.web.ports[0]`, the way users write paths. Keys that hold a dot are quoted. */
export function pathText(path: NodePath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else {
      const name = step.includes('.') || step === '' ? JSON.stringify(step) : step;
      text += text === '' ? name : `.${name}`;
    }
  }
  return text === '' ? 'the file' : text;
}

// Stable: problems of one file in the order of its lines, files in the order they were met.
function byPlace(left: TscomposeError, right: TscomposeError): number {
  if (left.at === undefined || left.at.file !== right.at?.file) return 0;
  return left.at.line - right.at.line || left.at.column - right.at.column;
}
