/** Variables that only BuildKit sets. */
const platformVariables = /\b(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)\b/;
const flagged = /^\s*(?:RUN\s+--|(?:COPY|ADD)\s.*--(?:link|chmod|parents|exclude|checksum|keep-git-dir))/i;
const heredoc = /^\s*(?:RUN|COPY|ADD)\s.*<<-?["']?\w/i;

/**
 * Whether a Dockerfile has what a dockerd's classic builder refuses or does otherwise. That one is preferred where it
 * serves: it takes the logins of registries with the request, BuildKit only by a session.
 */
export function needsBuildkit(dockerfile: string): boolean {
  return dockerfile
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .some((line) => flagged.test(line) || heredoc.test(line) || platformVariables.test(line));
}
