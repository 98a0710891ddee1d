import { execFileSync } from 'node:child_process';

/** One flag of a command of the docker CLI, as its help has it. */
export interface DockerFlag {
  /** `--detach` */
  readonly name: string;
  /** `-d` */
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

/** A command of the docker CLI that does something itself. */
export interface DockerCommand {
  /** Without `docker`, in its longest form: `container run`, not `run`. */
  readonly name: string;
  /** All its names, `container run` and `run`. */
  readonly names: readonly string[];
  readonly flags: readonly DockerFlag[];
}

/** All commands of a group (`container`), or the command itself where it is none (`inspect`). */
export function dockerCommands(docker: string, path: string): readonly DockerCommand[] {
  const help = execFileSync(docker, [...path.split(' '), '--help'], { encoding: 'utf8' });
  const inner = listed(help, 'Commands:');
  if (inner.length > 0) return inner.flatMap((name) => dockerCommands(docker, `${path} ${name}`));
  const aliases = /^Aliases:\n {2}(.+)$/m.exec(help)?.[1]?.split(', ') ?? [];
  const names = [path, ...aliases.map((alias) => alias.replace(/^docker /, ''))];
  return [{ name: path, names: [...new Set(names)], flags: flagsOf(help) }];
}

function listed(help: string, title: string): readonly string[] {
  const part = help.split(`\n${title}\n`)[1]?.split('\n\n')[0] ?? '';
  return [...part.matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name = '']) => name);
}

/** `  -d, --detach      Run …` takes no value, `      --dns list    Set …` does. */
function flagsOf(help: string): readonly DockerFlag[] {
  const lines = help.matchAll(/^ {2}(?:(-\w), | {4})(--[\w-]+)(?: (\S+))?(?: {2,}|$)/gm);
  return [...lines]
    .map(([, short, name = '', type]) => ({ name, short, takesValue: type !== undefined }))
    .filter(({ name }) => name !== '--help');
}
