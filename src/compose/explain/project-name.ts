import { nameOfDirectory, normalizeProjectName } from '../discover.js';
import type { Project } from '../model.js';
import { child, textOf } from '../node.js';
import { locationOf } from '../source-text.js';
import type { Trace, VariableLayer } from '../trace.js';
import type { LoadOptions } from '../load.js';
import type { LiteralStep, Step } from './step.js';
import { bareUse, fillText, usesIn } from './variable-uses.js';

/** Why the project has its name: `-p`, else `COMPOSE_PROJECT_NAME`, else `name:` of the last file, else the folder. */
export function explainName(project: Project, options: LoadOptions, trace: Trace): readonly Step[] {
  const layers = layersWithoutName(trace);
  const steps: Step[] = [];
  const candidate = (found: readonly Step[], reason: string): void => {
    steps.push(...found);
    if (steps.length > found.length) steps.push({ kind: 'over', manner: 'replaces', reason });
  };
  candidate([folderStep(project)], '');
  for (const found of namesInFiles(project, trace, layers)) candidate(found, 'a name: in a file wins over the folder');
  const variable = bareUse('COMPOSE_PROJECT_NAME', layers);
  if (variable.value !== undefined && variable.value !== '') {
    candidate([{ kind: 'looked-up', use: variable }], 'COMPOSE_PROJECT_NAME wins over the files');
  }
  if (options.projectName !== undefined && options.projectName !== '') {
    const flag: LiteralStep = {
      kind: 'literal',
      source: 'flag',
      at: undefined,
      written: `--project-name ${options.projectName}`,
      via: [],
    };
    candidate([flag], 'the flag wins over everything else');
  }
  return steps;
}

function folderStep({ workingDir }: Project): Step {
  const name = nameOfDirectory(workingDir);
  return { kind: 'literal', source: 'folder', at: undefined, written: name === '' ? workingDir : name, via: [] };
}

function namesInFiles(project: Project, trace: Trace, layers: readonly VariableLayer[]): readonly (readonly Step[])[] {
  const found: (readonly Step[])[] = [];
  const seen = new Set<string>();
  for (const { root, source, index } of trace.documents) {
    const node = child(root, 'name');
    const text = textOf(node);
    const id = `${source.file}:${index}`;
    if (node === undefined || text === undefined || text === '' || seen.has(id)) continue;
    if (!project.composeFiles.includes(source.file)) continue; // an included or extended file names nothing
    seen.add(id);
    const steps: Step[] = [{ kind: 'literal', source: 'yaml', at: locationOf(node.at), written: text, via: [] }];
    const uses = usesIn(text, layers);
    const filled = fillText(text, layers);
    if (uses.length > 0) steps.push({ kind: 'variables', template: text, value: filled, uses });
    const value = normalizeProjectName(filled);
    if (value !== filled) {
      const reason = 'names are lower case letters, digits, dashes and underscores';
      steps.push({ kind: 'converted', before: filled, value, reason });
    }
    found.push(steps);
  }
  return found;
}

/** Before the name was known. */
function layersWithoutName(trace: Trace): readonly VariableLayer[] {
  const [document] = trace.documents;
  const layers = document === undefined ? [] : trace.layersOf(document.environment);
  return layers.filter(({ kind }) => kind !== 'project name');
}
