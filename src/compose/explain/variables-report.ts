import type { SourceLocation } from '../../base/source-location.js';
import { TscomposeError } from '../../base/errors.js';
import { loadProject, type LoadOptions } from '../load.js';
import { Trace } from '../trace.js';
import { lintVariables, type Lint } from './lints.js';
import { mentionsIn, type Mention } from './mentions.js';
import type { VariablePlace } from './step.js';
import { bareUse } from './variable-uses.js';

/** A variable of the project: what it is worth, where that was found, and who uses it. */
export interface VariableReport {
  readonly name: string;
  /** Undefined when nothing sets it: each use then has its default or a blank. */
  readonly value: string | undefined;
  /** The most important first. */
  readonly places: readonly VariablePlace[];
  readonly uses: readonly {
    readonly at: SourceLocation;
    readonly expression: string;
    /** Where in the compose file; absent in env files. */
    readonly path?: string;
  }[];
}

export interface VariablesOfProject {
  readonly variables: readonly VariableReport[];
  readonly lints: readonly Lint[];
  /** Values a mask should know. */
  readonly values: readonly (readonly [string, string])[];
  /** Why the project does not load; what is said above holds for the files that could be read. */
  readonly failure: TscomposeError | undefined;
}

/**
 * Looks at every variable of a project, whether or not it loads.
 * @throws when not even its files can be found and read
 */
export async function inspectVariables(options: LoadOptions): Promise<VariablesOfProject> {
  const trace = new Trace();
  let failure: TscomposeError | undefined;
  try {
    await loadProject({ ...options, trace });
  } catch (error) {
    if (!(error instanceof TscomposeError) || trace.documents.length === 0) throw error;
    failure = error as TscomposeError;
  }
  const mentions = mentionsIn(trace);
  const values = trace.documents.flatMap(({ environment }) => [...environment]);
  return { variables: reportOf(mentions), lints: lintVariables(trace, mentions), values, failure };
}

/** One entry a name; one more where an included file sees another value. */
function reportOf(mentions: readonly Mention[]): readonly VariableReport[] {
  const reports = new Map<string, VariableReport & { uses: VariableReport['uses'][number][] }>();
  for (const { name, layers, at, expression, path } of mentions) {
    const { value, places: all } = bareUse(name, layers);
    const places = all.filter(({ place }) => place !== 'nothing'); // each use has its own default
    const winner = places.find(({ state }) => state === 'wins');
    const key = JSON.stringify([name, value, winner?.place, winner?.file]);
    const known = reports.get(key) ?? { name, value, places, uses: [] };
    known.uses.push({ at, expression, ...(path !== undefined && { path }) });
    reports.set(key, known);
  }
  return [...reports.values()].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
}
