/**
 * A tour is text: sections of commands, each followed by how it ends.
 *
 *     ## run
 *     $ docker run busybox sh -c 'echo out; echo err >&2; exit 3'
 *       out
 *     ! err
 *     = 3
 *
 * Standard output is indented, lines of standard error begin with `!`, an exit code other than 0 follows `=`. What is
 * written there is dockerd's, normalised. Where our engine differs on purpose, `ours: REASON` and its own outcome follow.
 */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface Step {
  readonly command: string;
  readonly expected: string;
  /** Present where our engine differs on purpose. */
  readonly ours: { readonly reason: string; readonly expected: string } | undefined;
}

export interface Section {
  readonly title: string;
  /** What stands between the title and the first command. */
  readonly preface: string;
  readonly steps: readonly Step[];
}

/** @throws Error for a line that is none of the above, with its number */
export function parseTour(text: string): readonly Section[] {
  const sections: { title: string; preface: string; steps: { command: string; lines: string[]; ours: Own }[] }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const section = sections.at(-1);
    const step = section?.steps.at(-1);
    if (line === '') continue;
    if (line.startsWith('## ')) sections.push({ title: line.slice(3), preface: '', steps: [] });
    else if (section === undefined) throw new Error(`line ${index + 1}: before the first section: ${line}`);
    else if (line.startsWith('$ ')) section.steps.push({ command: line.slice(2), lines: [], ours: undefined });
    else if (step === undefined) section.preface += `${line}\n`;
    else if (line.startsWith('> ')) step.command += `\n${line.slice(2)}`;
    else if (line.startsWith('ours: ')) step.ours = { reason: line.slice(6), lines: [] };
    else if (/^(?: {2}|!|= )/.test(line)) (step.ours ?? step).lines.push(line);
    else throw new Error(`line ${index + 1}: neither a command nor output: ${line}`);
  }
  return sections.map(({ title, preface, steps }) => ({
    title,
    preface,
    steps: steps.map(({ command, lines, ours }) => ({
      command,
      expected: lines.join('\n'),
      ours: ours && { reason: ours.reason, expected: ours.lines.join('\n') },
    })),
  }));
}

type Own = { readonly reason: string; readonly lines: string[] } | undefined;

/** Empty lines cannot be told from the space between steps, so they are left out. */
export function renderOutcome({ stdout, stderr, exitCode }: Outcome): string {
  const lines = (text: string, mark: string) =>
    text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [`${mark}${line.trimEnd()}`]));
  return [...lines(stdout, '  '), ...lines(stderr, '! '), ...(exitCode === 0 ? [] : [`= ${exitCode}`])].join('\n');
}

export function renderTour(sections: readonly Section[]): string {
  const step = ({ command, expected, ours }: Step) =>
    [
      `$ ${command.replaceAll('\n', '\n> ')}`,
      expected,
      ...(ours === undefined || ours.expected === expected ? [] : [`ours: ${ours.reason}`, ours.expected]),
    ]
      .filter((part) => part !== '')
      .join('\n');
  return sections
    .map(({ title, preface, steps }) => `## ${title}\n${preface}${steps.map(step).join('\n')}\n`)
    .join('\n');
}
