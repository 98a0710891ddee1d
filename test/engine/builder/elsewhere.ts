/** Forms whose tests need more than a Dockerfile and files: a server, an agent, a second build. */
export const elsewhere: readonly { readonly form: string; readonly test: string; readonly why: string }[] = [
  { form: 'ADD of a URL, and --checksum', test: 'build.test.ts', why: 'needs a server' },
  { form: 'ADD --unpack of a URL', test: 'given.test.ts', why: 'needs a server' },
  { form: 'ADD of a git repository by branch, tag, commit and folder', test: 'given.test.ts', why: 'needs a server' },
  { form: 'ADD --keep-git-dir', test: 'given.test.ts', why: 'needs a server' },
  { form: 'ADD --checksum of a git repository', test: 'given.test.ts', why: 'needs a server' },
  { form: 'RUN --mount=type=ssh', test: 'given.test.ts', why: 'needs an agent' },
  { form: 'RUN --mount=type=cache with its sharing', test: 'build.test.ts', why: 'needs builds at the same time' },
  { form: 'RUN --mount of a git repository', test: 'given.test.ts', why: 'needs a server' },
  { form: 'RUN --security=insecure', test: 'given.test.ts', why: 'its BuildKit is not given the right' },
  { form: 'RUN --device', test: 'given.test.ts', why: 'newer than dockerd 26.1' },
  { form: 'FROM a named context that is a directory', test: 'given.test.ts', why: 'BuildKit takes images there' },
  { form: 'a context by URL: a Dockerfile, an archive', test: 'given.test.ts', why: 'needs a server' },
  { form: 'ONBUILD triggers that fire', test: 'build.test.ts', why: 'needs a base image made before' },
  { form: 'ARG SOURCE_DATE_EPOCH', test: 'given.test.ts', why: 'dates the config alone there' },
];
