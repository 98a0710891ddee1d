declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Another engine holds the folder. */
    'engine/locked': { readonly path: string; readonly pid: number | undefined };
    /** The data root alone: the engine that has it listens in another runtime folder. */
    'engine/data-locked': { readonly path: string; readonly pid: number | undefined };
    'engine/not-root': { readonly uid: number };
    /** A folder of the engine cannot be used as it is. */
    'engine/bad-folder': { readonly path: string; readonly reason: string };
  }
}

export {};
