import type { CommandLine } from '../dockerfile/ast.js';
import { type Heredoc, parseHeredocMark } from '../dockerfile/heredoc.js';

export interface RunCommand {
  readonly args: readonly string[];
  /** A script given as a heredoc with a `#!` line: mounted at this path and executed. */
  readonly script?: { readonly path: string; readonly content: string };
}

/** The argv of RUN, its heredocs put where they belong (Dockerfile reference, "Here-Documents"). */
export function runCommand(command: CommandLine, shell: readonly string[]): RunCommand {
  if (command.form === 'exec') return { args: command.args };
  const [only, second] = command.heredocs;
  if (only === undefined) return { args: [...shell, command.text] };
  if (second === undefined && parseHeredocMark(command.text.trim()) !== undefined) {
    if (!only.content.startsWith('#!')) return { args: [...shell, only.content] };
    const path = `/dev/pipes/${only.name}`;
    return { args: [path], script: { path, content: only.content } };
  }
  return { args: [...shell, [command.text, ...command.heredocs.map(restore)].join('\n')] };
}

/** The heredoc as the shell has to see it; tabs are gone already where `<<-` asked for it. */
function restore({ content, name }: Heredoc): string {
  return `${content}${name}`;
}
