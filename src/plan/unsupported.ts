import { TscomposeError } from '../base/errors.js';
import type { NodePath, Project } from '../compose/index.js';
import { replicasOf } from '../graph/index.js';
import { unsupportedHooks } from './hooks.js';
import { idMapProblems } from './id-map.js';
import { throwAll } from './problems.js';
import { extensionProblems } from './service-extension.js';
import type { UpOptions } from './up-options.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** Two containers would have one name. */
    'plan/name-claimed-twice': { readonly name: string; readonly services: readonly string[] };
    'plan/unknown-restart-policy': { readonly service: string; readonly policy: string };
  }
}

/** Checks what no engine call could be planned for. */
export function refuseUnsupported(project: Project, services: readonly string[], options: UpOptions): void {
  const problems: TscomposeError[] = [];
  const holders = new Map<string, string>();
  for (const service of services) {
    const definition = project.model.services[service];
    const name = definition?.container_name;
    if (definition !== undefined) {
      problems.push(...unsupportedHooks(project, service, definition));
      problems.push(...extensionProblems(project, service, definition), ...idMapProblems(project, service, definition));
    }
    if (
      definition?.restart !== undefined &&
      !/^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(definition.restart)
    ) {
      problems.push(unknownRestartPolicy(project, service, definition.restart));
    }
    if (name === undefined) continue;
    const at = project.locate(['services', service, 'container_name'] satisfies NodePath);
    const other = holders.get(name);
    holders.set(name, service);
    const replicas = replicasOf(project, service, options.scale);
    if (other === undefined && replicas <= 1) continue;
    problems.push(
      new TscomposeError({
        code: 'plan/name-claimed-twice',
        message:
          other === undefined
            ? `service "${service}" cannot have ${replicas} containers of the one name "${name}"`
            : `services "${other}" and "${service}" both name their container "${name}"`,
        facts: { name, services: other === undefined ? [service] : [other, service] },
        hint: 'drop container_name: containers are named after project, service and number then',
        at,
      }),
    );
  }
  throwAll(problems);
}

function unknownRestartPolicy(project: Project, service: string, policy: string): TscomposeError {
  return new TscomposeError({
    code: 'plan/unknown-restart-policy',
    message: `service "${service}" has an unknown restart policy "${policy}"`,
    facts: { service, policy },
    hint: 'use no, always, unless-stopped, on-failure or on-failure:N',
    at: project.locate(['services', service, 'restart']),
  });
}
