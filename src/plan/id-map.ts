import type { IdMapRequest } from '../api/container.js';
import { TscomposeError } from '../base/errors.js';
import type { Mount, Project, Service } from '../compose/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/invalid-id-map': { readonly service: string; readonly target: string };
  }
}

/** Our own attribute of a bind mount: `owner`, or `{user, group}` of the host. Docker compose passes over it. */
const idMapKey = 'x-idmap';

/** What is asked for; anything that cannot be understood counts as not. */
export function idMapOf(mount: Mount): IdMapRequest | undefined {
  const asked = mount[idMapKey];
  if (mount.type !== 'bind') return undefined;
  if (asked === 'owner') return { Owner: true };
  if (typeof asked !== 'object' || asked === null) return undefined;
  const { user, group, ...rest } = asked as Readonly<Record<string, unknown>>;
  const [User, Group] = [idOf(user), idOf(group)];
  if (User === undefined || Group === undefined || Object.keys(rest).length > 0) return undefined;
  return { User, Group };
}

/** What is wrong with it: files would silently belong to somebody else. */
export function idMapProblems(project: Project, service: string, definition: Service): TscomposeError[] {
  return (definition.volumes ?? []).flatMap((mount, index) => {
    const asked = mount[idMapKey];
    if (asked === undefined || asked === null || idMapOf(mount) !== undefined) return [];
    const { type, target } = mount;
    const problem =
      type === 'bind' ? 'is neither "owner" nor a user and a group' : `is for bind mounts, not for a ${type}`;
    return [
      new TscomposeError({
        code: 'plan/invalid-id-map',
        message: `service "${service}": ${idMapKey} of the mount at ${target} ${problem}`,
        facts: { service, target },
        hint: `write ${idMapKey}: {user: 1000, group: 1000} with ids of the host, or ${idMapKey}: owner, at a bind mount`,
        at: project.locate(['services', service, 'volumes', index, idMapKey]),
      }),
    ];
  });
}

/** Variables leave texts. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffff_ffff ? id : undefined;
}
