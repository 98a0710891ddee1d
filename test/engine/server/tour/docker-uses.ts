import type { DockerCommand } from './docker-help.js';

/**
 * What a line of shell asks of the docker CLI: `container run`, `container run --detach`. Words in quotes are one word,
 * and a command ends at `|`, `;`, `&`, a bracket or a redirection.
 */
export function dockerUses(line: string, commands: readonly DockerCommand[]): readonly string[] {
  return commandsIn(line).flatMap((words) => {
    const start = words.indexOf('docker');
    if (start < 0) return [];
    const rest = words.slice(start + 1);
    const command = commands.find(({ names }) => names.some((name) => startsWith(rest, name)));
    const length = command?.names.find((name) => startsWith(rest, name))?.split(' ').length ?? 0;
    return command === undefined ? [] : [command.name, ...flagsIn(rest.slice(length), command)];
  });
}

/** After the first argument of these comes a command of the container with flags of its own. */
const stopAtArgument = new Set(['container run', 'container create', 'container exec', 'container top']);

function flagsIn(words: readonly string[], { name, flags }: DockerCommand): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') {
      if (stopAtArgument.has(name)) break;
      continue;
    }
    const given = word.startsWith('--')
      ? flags.filter((flag) => flag.name === word.split('=')[0])
      : shortFlags(word, flags);
    found.push(...given.map((flag) => `${name} ${flag.name}`));
    const last = given.at(-1);
    const isWhole = word.startsWith('--') ? !word.includes('=') : word.endsWith(last?.short?.slice(1) ?? '');
    if (last?.takesValue === true && isWhole) at++;
  }
  return found;
}

/** `-dit`, `-fv`, `-n2`: letters up to the first that takes the rest as its value. */
function shortFlags(word: string, flags: DockerCommand['flags']): DockerCommand['flags'] {
  const found = [];
  for (const letter of word.slice(1)) {
    const flag = flags.find(({ short }) => short === `-${letter}`);
    if (flag === undefined) break;
    found.push(flag);
    if (flag.takesValue) break;
  }
  return found;
}

/** What is substituted runs too; for the command around it, it is a word. */
function commandsIn(line: string): readonly (readonly string[])[] {
  const substituted: string[] = [];
  const around = line.replace(/\$\(([^()]*)\)/g, (_whole, inner: string) => {
    substituted.push(inner);
    return '$substituted';
  });
  return [around, ...substituted].flatMap(simpleCommandsIn);
}

function simpleCommandsIn(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/'[^']*'|"(?:\\.|[^"\\])*"|[|;&()\n]|[<>]|(?:\\.|[^\s|;&()<>'"])+|\s+/g)) {
    if (/^[|;&()\n<>]/.test(token)) commands.push([]);
    else if (/^\s/.test(token)) commands.at(-1)?.push('');
    else {
      const words = commands.at(-1);
      const word = token.replace(/^(['"])([^]*)\1$/, '$2');
      // What touches without a space between is one word: --mount type=bind,src="$PWD".
      if (words === undefined || words.length === 0 || words.at(-1) === '') words?.splice(-1, 1, word);
      else words.push(`${words.pop() ?? ''}${word}`);
    }
  }
  return commands.map((words) => words.filter((word) => word !== ''));
}

function startsWith(words: readonly string[], name: string): boolean {
  return name.split(' ').every((part, index) => words[index] === part);
}
