import type { SourceLocation } from '../../base/source-location.js';

/** One thing that happened on the way to a value, in the order it happened. Texts are for people; codes are `kind`s. */
export type Step =
  | LiteralStep
  | VariablesStep
  | {
      /** A name without a value, filled in from the variables of the project. */
      readonly kind: 'looked-up';
      readonly use: VariableUse;
    }
  | { readonly kind: 'extended'; readonly at: SourceLocation | undefined; readonly by: string }
  | { readonly kind: 'included'; readonly at: SourceLocation | undefined }
  | OverStep
  | { readonly kind: 'dropped'; readonly tag: '!reset' | '!override'; readonly at: SourceLocation | undefined }
  | { readonly kind: 'expanded'; readonly short: string; readonly value: string }
  | { readonly kind: 'default'; readonly value: string; readonly reason: string }
  | { readonly kind: 'path'; readonly written: string; readonly value: string; readonly directory: string }
  /** Older formats had it elsewhere. */
  | { readonly kind: 'moved'; readonly from: string }
  | { readonly kind: 'converted'; readonly before: string; readonly value: string; readonly reason: string }
  | {
      /** No active profile enables the service. */
      readonly kind: 'inactive';
      readonly service: string;
      readonly profiles: readonly string[];
      readonly active: readonly string[];
      /** Where `COMPOSE_PROFILES` was looked up; absent when flags decide. */
      readonly use?: VariableUse;
    }
  | {
      /** Something else than the value itself: why a service is left out, say. */
      readonly kind: 'note';
      readonly text: string;
    };

/** The value stands in a file. */
export interface LiteralStep {
  readonly kind: 'literal';
  /** `yaml`, or a statement of an env or label file of the service. */
  readonly source: 'yaml' | 'env_file' | 'label_file' | 'flag' | 'variable' | 'folder';
  readonly at: SourceLocation | undefined;
  /** As it is written there. */
  readonly written: string;
  readonly via: readonly Via[];
}

/** How YAML brought a value from where it is written to where it counts. */
export type Via =
  | { readonly kind: 'alias'; readonly anchor: string; readonly at: SourceLocation }
  | { readonly kind: 'merge-key'; readonly anchor: string | undefined; readonly at: SourceLocation }
  /** The key hides the same one of a merged mapping. */
  | { readonly kind: 'hides'; readonly at: SourceLocation };

export interface VariablesStep {
  readonly kind: 'variables';
  readonly template: string;
  readonly value: string;
  readonly uses: readonly VariableUse[];
}

export interface VariableUse {
  readonly name: string;
  /** `${TAG:-latest}` */
  readonly expression: string;
  /** What it came to; undefined for a name that stays without a value. */
  readonly value: string | undefined;
  /** Every place looked at, the most important first. */
  readonly places: readonly VariablePlace[];
  /** Variables within the default or alternate value. */
  readonly inner: readonly VariableUse[];
}

export interface VariablePlace {
  readonly place: 'project name' | 'shell' | 'env file' | 'default' | 'alternate' | 'nothing' | 'required';
  readonly file?: string;
  readonly at?: SourceLocation;
  readonly reason?: string;
  readonly value?: string;
  /** `hidden`: set, but a place above has it too. `empty`: set to nothing, which the operator takes for not set. `set`: the alternate value stands for it. */
  readonly state: 'wins' | 'set' | 'hidden' | 'not set' | 'empty' | 'not needed';
}

/** The value lies over, or joins, what was there before. */
export interface OverStep {
  readonly kind: 'over';
  readonly manner: 'replaces' | 'appended';
  readonly reason: string;
}

/** Where a value comes from. */
export interface Explanation {
  /** `services.web.image`, as `config` shows it. */
  readonly path: string;
  readonly value: unknown;
  readonly steps: readonly Step[];
}
