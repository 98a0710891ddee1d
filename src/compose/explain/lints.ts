import type { SourceLocation } from '../../base/source-location.js';
import { closestName } from '../suggest.js';
import type { Trace, VariableLayer } from '../trace.js';
import { serviceEnvFiles, type Mention } from './mentions.js';
import { bareUse } from './variable-uses.js';

/** Something that loads and is most likely not meant. */
export interface Lint {
  readonly code: 'unused-env-key' | 'shadowed-variable' | 'unset-variable' | 'unescaped-dollar';
  readonly at: SourceLocation;
  readonly message: string;
  readonly hint: string;
}

/** Variables programs read by themselves; nobody has to mention them. */
const ownVariables = /^(?:COMPOSE|DOCKER|BUILDKIT|BUILDX|TSCOMPOSE)_|^(?:https?|no|all|ftp)_proxy$/i;
/** `$2y$…`, `$apr1$…` and the other beginnings of hashed passwords, not doubled. */
const hash =
  /(?<!\$)(?:\$\$)*\$(?:2[abxy]?|1|5|6|7|y|gy|apr1|argon2(?:id|i|d)|pbkdf2(?:-\w+)?|scrypt|sha1|md5)\$(?!\$)/;
const commandPath = /^services\.[^.]+\.(?:command|entrypoint|healthcheck\.test)(?:\[|$)/;
/** A shell in the container has these as well, with other values. */
const shellVariables = new Set(['HOME', 'HOSTNAME', 'PATH', 'PWD', 'OLDPWD', 'RANDOM', 'SHELL', 'USER', 'UID', 'LANG']);

/** @param mentions - all of the project */
export function lintVariables(trace: Trace, mentions: readonly Mention[]): readonly Lint[] {
  const found = [...unescapedHashes(trace), ...mentions.flatMap(aboutMention), ...aboutEnvFiles(trace, mentions)];
  const seen = new Set<string>();
  const single = found.filter(({ at, code }) => {
    const key = `${at.file}:${at.line}:${at.column}:${code}`;
    return !seen.has(key) && seen.add(key);
  });
  return single.sort(byPlace);
}

function* unescapedHashes(trace: Trace): Iterable<Lint> {
  for (const { source } of trace.documents) {
    let offset = 0;
    for (const line of source.text.split('\n')) {
      const match = /^\s*#/.test(line) ? null : hash.exec(line);
      if (match !== null) {
        const start = offset + match.index;
        yield {
          code: 'unescaped-dollar',
          at: source.locate(start, start + match[0].length),
          message: `${match[0]} looks like the beginning of a hash, but its dollars start variables`,
          hint: 'write $$ for each dollar that is meant as such',
        };
      }
      offset += line.length + 1;
    }
  }
}

function aboutMention({ name, expression, operator, path, at, written, layers }: Mention): readonly Lint[] {
  if (operator !== '' || hash.test(written)) return [];
  const { value, places } = bareUse(name, layers);
  const winner = places.find(({ state }) => state === 'wins')?.place;
  const inCommand = path !== undefined && commandPath.test(path);
  if (inCommand && (value === undefined || (winner === 'shell' && shellVariables.has(name)))) {
    const what = value === undefined ? 'nothing sets it here' : 'it is set on this machine';
    return [
      {
        code: 'unescaped-dollar',
        at,
        message: `${expression} is filled in before the container starts, and ${what}`,
        hint: `write $${expression} for the shell in the container to fill it in`,
      },
    ];
  }
  if (value !== undefined) return [];
  const known = layers.flatMap(({ kind, entries }) => (kind === 'env file' ? [...entries.keys()] : []));
  const near = closestName(name, known);
  const hint = near === undefined ? `set it, or give it a default: \${${name}:-…}` : `did you mean "${near}"?`;
  return [{ code: 'unset-variable', at, message: `${name} is not set and has no default: it is left blank`, hint }];
}

function* aboutEnvFiles(trace: Trace, mentions: readonly Mention[]): Iterable<Lint> {
  const used = new Set(mentions.map(({ name }) => name));
  const forContainers = serviceEnvFiles(trace.final);
  for (const { environment } of trace.documents) {
    const layers = trace.layersOf(environment);
    for (const [index, layer] of layers.entries()) {
      if (layer.kind !== 'env file') continue;
      const above = layers.slice(0, index);
      for (const [name, entry] of layer.entries) {
        if (entry.at === undefined || ownVariables.test(name)) continue;
        if (!used.has(name)) {
          if (!forContainers.has(entry.at.file)) yield unusedKey(name, entry.at, used);
        } else yield* shadowed(name, entry.value, entry.at, above);
      }
    }
  }
}

function unusedKey(name: string, at: SourceLocation, used: ReadonlySet<string>): Lint {
  const near = closestName(name, used);
  return {
    code: 'unused-env-key',
    at,
    message: `nothing uses ${name}`,
    hint:
      near === undefined
        ? `env files fill in \${${name}} in compose files; for a container write it under environment`
        : `did you mean "${near}"?`,
  };
}

function* shadowed(
  name: string,
  value: string | undefined,
  at: SourceLocation,
  above: readonly VariableLayer[],
): Iterable<Lint> {
  const winner = above.find(({ entries }) => entries.get(name)?.value !== undefined);
  const stronger = winner?.entries.get(name);
  if (winner === undefined || stronger === undefined || stronger.value === value) return;
  const where =
    stronger.at === undefined
      ? `the ${winner.kind}`
      : `${stronger.at.file.split('/').at(-1) ?? ''}:${stronger.at.line}:${stronger.at.column}`;
  yield {
    code: 'shadowed-variable',
    at,
    message: `${name} has no effect here: ${where} sets it too, and wins`,
    hint: winner.kind === 'shell' ? `unset ${name} in the shell, or remove it here` : 'remove one of the two',
  };
}

function byPlace(left: Lint, right: Lint): number {
  if (left.at.file !== right.at.file) return left.at.file < right.at.file ? -1 : 1;
  return left.at.line - right.at.line || left.at.column - right.at.column;
}
