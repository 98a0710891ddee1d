declare module '../base/errors.js' {
  interface ErrorFacts {
    /** The file is none that "tscompose lock" wrote. */
    'lock/bad-file': { readonly file: string; readonly reason: string };
    /** There is no lock file, and there has to be one. */
    'lock/no-file': { readonly file: string };
    /** What a service uses is not in the lock file, or not as the service has it now. */
    'lock/missing-entry': { readonly service: string | undefined; readonly entry: string };
    /** What a service uses has no digest or commit that could be found out. */
    'lock/unresolved': { readonly service: string | undefined; readonly entry: string };
  }
}

export {};
