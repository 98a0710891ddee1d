import { relative } from 'node:path';
import { hasCode, TscomposeError } from '../base/errors.js';
import { renderLocation } from '../base/source-location.js';
import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { chainLine, logPart, postMortem, type Finding } from '../execute/index.js';
import type { CliContext } from './context.js';

/**
 * A time that ran out, with what was still missing: causes whole, what only suffers from them in a line each. Any other
 * failure, and one of a project without files, as it is.
 */
export async function withFindings(
  error: unknown,
  { terminal: { cwd }, signal }: CliContext,
  client: EngineClient,
  project: Project | undefined,
  services: readonly string[],
): Promise<unknown> {
  if (!hasCode(error, 'cli/wait-timeout') || project === undefined) return error;
  const findings = await postMortem(client, project, services, signal);
  const first = findings.find(isCause);
  const placed = (finding: Finding): string => {
    const { at } = finding;
    if (at === undefined || finding === first || !isCause(finding)) return '';
    return ` (${renderLocation({ ...at, file: relative(cwd, at.file) })})`;
  };
  const lines = findings.flatMap((finding) => [
    `  service "${finding.service}" ${finding.diagnosis.sentence}${placed(finding)}`,
    ...(isCause(finding) ? partsOf(finding) : []).map((line) => `    ${line}`),
  ]);
  return new TscomposeError({
    code: 'cli/wait-timeout',
    message: [error.message, ...lines].join('\n'),
    facts: error.facts,
    hint: first?.diagnosis.hint,
    at: first?.at,
  });
}

function isCause({ diagnosis: { kind } }: Finding): boolean {
  return kind !== 'not-started' && kind !== 'waiting';
}

function partsOf({ service, container, chain, diagnosis, lastLines }: Finding): readonly string[] {
  return [...chainLine(chain), ...diagnosis.details, ...logPart(container ?? service, diagnosis, lastLines)];
}
