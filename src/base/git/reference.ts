/** A file or folder in a git repository, as `-f`, `include` and build contexts name it. */
export interface GitReference {
  /** For git, without user and password where it is http. */
  readonly remote: string;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** A branch, tag or other name; undefined means the repository's default branch. */
  readonly ref: string | undefined;
  /** 40 hex digits, where the reference is pinned to a commit. */
  readonly commit: string | undefined;
  /** Below the root of the repository, without dots; empty for the root itself. */
  readonly path: string;
  /** The repository as messages name it: no password. */
  readonly shown: string;
}

const scpStyle = /^([a-zA-Z0-9_][a-zA-Z0-9_-]*)@([a-zA-Z0-9][a-zA-Z0-9.-]*):([^#\s]+)(?:#(.*))?$/;
/** The whole name of a commit. */
export const commitPattern = /^[0-9a-f]{40}$/;

/**
 * `https://host/repo.git#ref:path`, `ssh://…`, `git://…`, `git@host:repo`, `github.com/…`, and the form with a query
 * (`?ref=…&subdir=…`). Over http a repository is only what ends in `.git`, since anything else may be a plain file.
 * @returns undefined for what names no repository
 */
export function parseGitReference(text: string): GitReference | undefined {
  if (text.startsWith('github.com/')) return parseGitReference(`https://${withGitSuffix(text)}`);
  const scp = scpStyle.exec(text);
  if (scp !== null && !text.includes('://')) {
    const [, user = '', host = '', path = '', fragment] = scp;
    const remote = `${user}@${host}:${path}`;
    return { remote, shown: remote, credentials: undefined, ...place(fragment, undefined) };
  }
  if (!/^(?:https?|ssh|git):\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  if (isHttp && !url.pathname.endsWith('.git')) return undefined;
  if (!/^\[?[a-zA-Z0-9]/.test(url.hostname) || url.username.startsWith('-')) return undefined;
  const where = place(url.hash === '' ? undefined : decoded(url.hash.slice(1)), url.searchParams);
  const credentials = url.password === '' && !isHttp ? undefined : credentialsOf(url);
  url.hash = '';
  url.search = '';
  url.password = '';
  if (isHttp) url.username = '';
  return { remote: url.href, shown: url.href, credentials, ...where };
}

/** The reference without the password it may hold. */
export function gitEntry(text: string): string {
  const { shown, ref, path } = parseGitReference(text) ?? { shown: text, ref: undefined, path: '' };
  const below = path === '' ? '' : `:${path}`;
  return ref === undefined && below === '' ? shown : `${shown}#${ref ?? ''}${below}`;
}

/** Where in the repository: `ref:path` behind `#`, or the members of a query. */
function place(
  fragment: string | undefined,
  query: URLSearchParams | undefined,
): Pick<GitReference, 'ref' | 'commit' | 'path'> {
  const colon = fragment?.indexOf(':') ?? -1;
  const named = fragment === undefined || colon < 0 ? fragment : fragment.slice(0, colon);
  const below = fragment === undefined || colon < 0 ? undefined : fragment.slice(colon + 1);
  const ref = firstOf(
    named,
    query?.get('ref'),
    prefixed('refs/heads/', query?.get('branch')),
    prefixed('refs/tags/', query?.get('tag')),
  );
  const commit = firstOf(query?.get('commit'), query?.get('checksum'), ref);
  return {
    ref,
    commit: commit !== undefined && commitPattern.test(commit) ? commit : undefined,
    path: firstOf(below, query?.get('subdir')) ?? '',
  };
}

function prefixed(prefix: string, name: string | null | undefined): string | undefined {
  return name === null || name === undefined || name === '' ? undefined : `${prefix}${name}`;
}

function firstOf(...texts: readonly (string | null | undefined)[]): string | undefined {
  return texts.find((text): text is string => text !== null && text !== undefined && text !== '');
}

function credentialsOf(url: URL): GitReference['credentials'] {
  const username = decoded(url.username);
  const password = decoded(url.password);
  // Each is one line of the answer to git's question; a line end inside would answer more than was asked.
  if ((username === '' && password === '') || /[\r\n\0]/.test(username + password)) return undefined;
  return { username, password };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone per cent sign stands for itself
  }
}

function withGitSuffix(text: string): string {
  const [, repository = '', rest = ''] = /^([^?#]*)(.*)$/.exec(text) ?? [];
  const plain = repository.replace(/\/+$/, '');
  return `${plain.endsWith('.git') ? plain : `${plain}.git`}${rest}`;
}
