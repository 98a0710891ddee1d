/** Forms whose tests need more than a Dockerfile and files: a server, an agent, a second build. */
export const elsewhere: readonly { readonly form: string; readonly test: string; readonly why: string }[] = [
  { form: 'ADD of a URL, and --checksum', test: 'build.test.ts', why: 'needs a server' },
  { form: 'ADD of archives, plain and compressed', test: 'build.test.ts', why: 'needs archives' },
  {
    form: 'ADD of a git repository by branch, tag, commit and folder',
    test: 'given.test.ts',
    why: 'only BuildKit has it',
  },
  { form: 'ADD --keep-git-dir', test: 'given.test.ts', why: 'only BuildKit has it' },
  { form: 'ADD --checksum of a git repository', test: 'given.test.ts', why: 'only BuildKit has it' },
  { form: 'RUN --mount=type=secret', test: 'build.test.ts', why: 'only BuildKit has it' },
  { form: 'RUN --mount=type=ssh', test: 'given.test.ts', why: 'only BuildKit has it' },
  { form: 'RUN --mount=type=cache with its sharing', test: 'build.test.ts', why: 'only BuildKit has it' },
  { form: 'RUN --mount=type=bind of the context', test: 'build.test.ts', why: 'only BuildKit has it' },
  { form: 'RUN --security=insecure', test: 'given.test.ts', why: 'only BuildKit has it' },
  { form: 'FROM and COPY --from a named context', test: 'given.test.ts', why: 'only BuildKit has it' },
  { form: 'ONBUILD triggers that fire', test: 'build.test.ts', why: 'needs a base image made before' },
  { form: 'ARG SOURCE_DATE_EPOCH', test: 'given.test.ts', why: 'the classic builder ignores it' },
];
