import { ociScheme } from './artifact.js';
import { parseGitReference } from '../base/git/reference.js';

/** Whether a text names compose files elsewhere rather than a path: `oci://…` or a git repository. */
export function isRemoteReference(text: string): boolean {
  return text.startsWith(ociScheme) || parseGitReference(text) !== undefined;
}

/** The reference without a password, for people. */
export function shownReference(text: string): string {
  const reference = text.startsWith(ociScheme) ? undefined : parseGitReference(text);
  return reference === undefined ? text : `${reference.shown}${/[?#].*$/s.exec(text)?.[0] ?? ''}`;
}
