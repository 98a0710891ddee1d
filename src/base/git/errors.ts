declare module '../errors.js' {
  interface ErrorFacts {
    /** `reference` is shown without the password it may hold. */
    'remote/unavailable': { readonly reference: string };
    'remote/no-such-ref': { readonly reference: string; readonly ref: string };
  }
}

export {};
