declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Another engine holds the folder. */
    'engine/locked': { readonly path: string; readonly pid: number | undefined };
    'engine/not-root': { readonly uid: number };
    /** A folder of the engine cannot be used as it is. */
    'engine/bad-folder': { readonly path: string; readonly reason: string };
  }
}

export {};
