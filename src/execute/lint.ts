import type { LintReport } from '../api/tscompose.js';
import type { EngineClient } from '../client/index.js';
import type { BuildRequest } from '../plan/index.js';
import { prepareContext, readsInPlace, unsupportedBuild } from './build-context.js';

/** What was found in a Dockerfile, where a message of a build tells it. */
export function lintOf(message: object): LintReport | undefined {
  const { tscompose: event } = message as { readonly tscompose?: unknown };
  const isLint = typeof event === 'object' && event !== null && 'kind' in event && event.kind === 'lint';
  return isLint ? (event as LintReport) : undefined; // our own engine's word for its own shape
}

/**
 * Has the engine look at a build's Dockerfile, without building.
 * @throws `execute/build-unsupported` when it is another engine than ours; what is wrong in the Dockerfile
 */
export async function checkBuild(
  client: EngineClient,
  service: string,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<LintReport> {
  if (!(await readsInPlace(client, signal))) throw unsupportedBuild(service, ['check']);
  const { context, dockerfile } = await prepareContext(client, service, request, signal);
  const query = { args: request.args, check: true, ...(dockerfile === undefined ? {} : { dockerfile }) };
  let report: LintReport | undefined;
  for await (const message of client.images.build(context, query, signal)) report = lintOf(message) ?? report;
  if (report === undefined) throw new Error('bug: the engine checked a Dockerfile and said nothing of it');
  return report;
}
