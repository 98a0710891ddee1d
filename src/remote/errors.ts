declare module '../base/errors.js' {
  interface ErrorFacts {
    /** `reference` is shown without the password it may hold, as in those of `base/git`. */
    'remote/disabled': { readonly reference: string; readonly variable: string };
    'remote/no-compose-file': { readonly reference: string };
    'remote/not-an-artifact': { readonly reference: string; readonly found: string };
    'remote/outside': { readonly reference: string; readonly path: string };
    'remote/no-cache-folder': { readonly variable: string };
  }
}

export {};
