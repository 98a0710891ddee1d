declare module '../base/errors.js' {
  interface ErrorFacts {
    /** A policy says no: `rule` names it as `file:line`, `found` is what was there instead of a good signature. */
    'trust/refused': {
      readonly image: string;
      readonly digests: readonly string[];
      readonly rule: string;
      readonly found: readonly string[];
    };
    /** No good signature by the keys that were given. */
    'trust/not-signed': { readonly image: string; readonly digest: string; readonly found: readonly string[] };
    /** A policy that cannot be read decides nothing, so nothing is let through. */
    'trust/bad-policy': { readonly file: string; readonly reason: string };
    'trust/bad-key': { readonly key: string; readonly reason: string };
  }
}

export {};
