import type { InstructionOf } from '../dockerfile/ast.js';
import { syntaxError } from '../dockerfile/syntax-error.js';

interface MountFacts {
  bind: { readonly from?: string; readonly source: string; readonly readOnly: boolean };
  cache: {
    readonly id: string;
    readonly sharing: 'shared' | 'private' | 'locked';
    /** What a new one starts with. */
    readonly from?: string;
    readonly source: string;
    readonly readOnly: boolean;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };
  tmpfs: { readonly sizeBytes?: number };
  secret: {
    readonly id: string;
    readonly required: boolean;
    /** Given as a variable of this name as well, or instead where there is no target. */
    readonly env?: string;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };
  ssh: {
    readonly id: string;
    readonly required: boolean;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };
}

export type MountType = keyof MountFacts;
export type RunMountOf<T extends MountType> = { readonly type: T; readonly target: string } & MountFacts[T];
/** One `--mount` of RUN (Dockerfile reference, "RUN --mount"). `target` is empty for a secret that is only a variable. */
export type RunMount = { [T in MountType]: RunMountOf<T> }[MountType];

const known: Record<MountType, readonly string[]> = {
  bind: ['target', 'source', 'from', 'readonly'],
  cache: ['id', 'target', 'sharing', 'from', 'source', 'readonly', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'size'],
  secret: ['id', 'source', 'target', 'required', 'env', 'mode', 'uid', 'gid'],
  ssh: ['id', 'target', 'required', 'mode', 'uid', 'gid'],
};

const aliases: Readonly<Record<string, string>> = {
  dst: 'target',
  destination: 'target',
  src: 'source',
  ro: 'readonly',
};

/**
 * @param expand - applied to every value
 * @param index - of its mounts of agents; names the socket
 * @throws `build/syntax`
 */
export function parseMount(
  text: string,
  instruction: InstructionOf<'RUN'>,
  expand: (text: string) => string,
  index = 0,
): RunMount {
  const fail = (message: string) => syntaxError(instruction.at, `${message} in --mount=${text}`, 'RUN');
  const fields = fieldsOf(text, expand);
  const type = fields.get('type') ?? 'bind';
  fields.delete('type');
  if (!isMountType(type)) throw fail(`unsupported mount type "${type}"`);
  for (const name of fields.keys()) if (!known[type].includes(name)) throw fail(`unexpected key '${name}'`);

  const number = (name: string, fallback: number, base: 8 | 10 = 10): number => {
    const value = fields.get(name);
    if (value === undefined) return fallback;
    if (!(base === 8 ? /^[0-7]+$/ : /^\d+$/).test(value)) throw fail(`invalid value "${value}" for ${name}`);
    return parseInt(value, base);
  };
  const flag = (name: string, fallback: boolean): boolean => {
    const value = fields.get(name)?.toLowerCase();
    if (value === undefined) return fallback;
    if (['true', '1'].includes(value)) return true;
    if (['false', '0'].includes(value)) return false;
    throw fail(`invalid value "${value}" for ${name}`);
  };
  const target = fields.get('target');
  const needTarget = (): string => {
    if (target === undefined || target === '') throw fail('target is required');
    return target;
  };

  const from = fields.get('from');
  switch (type) {
    case 'bind':
      return {
        type,
        target: needTarget(),
        source: fields.get('source') ?? '/',
        readOnly: flag('readonly', true),
        ...(from === undefined ? {} : { from }),
      };
    case 'cache': {
      const sharing = fields.get('sharing') ?? 'shared';
      if (sharing !== 'shared' && sharing !== 'private' && sharing !== 'locked') {
        throw fail(`unsupported sharing value "${sharing}"`);
      }
      return {
        type,
        target: needTarget(),
        id: fields.get('id') ?? needTarget(),
        sharing,
        source: fields.get('source') ?? '/',
        ...(from === undefined ? {} : { from }),
        readOnly: flag('readonly', false),
        mode: number('mode', 0o755, 8),
        uid: number('uid', 0),
        gid: number('gid', 0),
      };
    }
    case 'tmpfs': {
      const size = fields.get('size');
      const sizeBytes = size === undefined ? undefined : parseSize(size);
      if (size !== undefined && sizeBytes === undefined) throw fail(`invalid value "${size}" for size`);
      return { type, target: needTarget(), ...(sizeBytes === undefined ? {} : { sizeBytes }) };
    }
    case 'secret': {
      const env = fields.get('env');
      const id = fields.get('id') ?? fields.get('source') ?? (target === undefined ? env : target.split('/').at(-1));
      if (id === undefined || id === '') throw fail('id is required');
      return {
        type,
        id,
        target: target ?? (env === undefined ? `/run/secrets/${id}` : ''),
        required: flag('required', false),
        mode: number('mode', 0o400, 8),
        uid: number('uid', 0),
        gid: number('gid', 0),
        ...(env === undefined ? {} : { env }),
      };
    }
    case 'ssh':
      return {
        type,
        id: fields.get('id') ?? 'default',
        target: target ?? `/run/buildkit/ssh_agent.${index}`,
        required: flag('required', false),
        mode: number('mode', 0o600, 8),
        uid: number('uid', 0),
        gid: number('gid', 0),
      };
  }
}

function fieldsOf(text: string, expand: (text: string) => string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    const name = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? 'true' : expand(field.slice(equals + 1).trim());
    if (name === 'rw' || name === 'readwrite') fields.set('readonly', value === 'true' ? 'false' : 'true');
    else fields.set(aliases[name] ?? name, value);
  }
  return fields;
}

/** The stage or image that a mount takes its files from, by its text alone; undefined also where a variable says it. */
export function mountSource(text: string): string | undefined {
  const from = fieldsOf(text, (word) => word).get('from');
  return from?.includes('$') === true ? undefined : from;
}

function isMountType(text: string): text is MountType {
  return Object.hasOwn(known, text);
}

/** `100m`, `1g`, bytes. */
function parseSize(text: string): number | undefined {
  const match = /^(\d+)([kmgt]?)b?$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
}
