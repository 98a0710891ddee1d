import type { SourceLocation } from '../../../base/source-location.js';

/** What a Dockerfile does that is allowed and seldom meant. */
export interface LintWarning {
  readonly rule: RuleName;
  /** What is wrong here. */
  readonly message: string;
  readonly at: SourceLocation;
}

/** The checks by BuildKit's names, which directives and documentation know; why each is one. */
export const rules = {
  StageNameCasing: 'names of stages are easier told from keywords in lower case',
  FromAsCasing: 'FROM and AS read as one when they are written alike',
  NoEmptyContinuation: 'an empty line inside a continued instruction looks like its end, and is to become an error',
  ConsistentInstructionCasing: 'one way to write keywords is easier to read than two',
  DuplicateStageName: 'of two stages with one name only the later one can be meant',
  ReservedStageName: 'the name stands for something else already',
  JSONArgsRecommended: 'in shell form a shell stands between the program and its signals',
  MaintainerDeprecated: 'MAINTAINER has been replaced by a label',
  UndefinedArgInFrom: 'FROM sees only arguments declared before the first FROM',
  WorkdirRelativePath: 'where a relative directory ends up is decided by the base image',
  UndefinedVar: 'a variable that nothing sets is empty',
  MultipleInstructionsDisallowed: 'only the last one of a stage counts',
  LegacyKeyValueFormat: 'a name and a value are joined by =',
  RedundantTargetPlatform: 'stages are built for the target platform anyway',
  SecretsUsedInArgOrEnv: 'arguments and variables can be read from the image and its history',
  InvalidDefaultArgInFrom: 'without arguments given the name of the base image is none',
  FromPlatformFlagConstDisallowed: 'a fixed platform keeps the Dockerfile from being built for another',
  CopyIgnoredFile: 'the ignore file keeps it out of the context',
  InvalidDefinitionDescription: 'a comment above a stage or an argument is taken for its description',
  ExposeProtoCasing: 'protocols are written in lower case',
  ExposeInvalidFormat: 'addresses and ports of the host are for whoever runs the image',
} as const;

export type RuleName = keyof typeof rules;

/** Made only where the Dockerfile asks for them. */
export const experimentalRules: readonly RuleName[] = ['InvalidDefinitionDescription'];
