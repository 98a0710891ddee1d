declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** A build that is held to a lock file names a base that is not in it. */
    'build/base-not-locked': { readonly reference: string };
    'build/syntax': { readonly line: number; readonly instruction?: string };
    'build/unknown-instruction': { readonly line: number; readonly instruction: string };
    'build/dockerfile-missing': { readonly dockerfile: string };
    'build/dockerfile-empty': { readonly dockerfile: string };
    'build/context-missing': { readonly path: string };
    'build/unknown-stage': { readonly stage: string };
    'build/base-image-missing': { readonly reference: string };
    'build/source-missing': { readonly source: string };
    'build/bad-copy': { readonly destination: string };
    /** The build was not given the right to it. */
    'build/not-entitled': { readonly entitlement: string };
    /** The Dockerfile's check directive has `error=true`. */
    'build/lint': { readonly rules: readonly string[] };
    /** A step of another platform, and no emulator of it. */
    'build/no-emulation': { readonly platform: string };
    'build/bad-attestation': { readonly value: string };
    'build/bad-platform': { readonly platform: string };
    'build/bad-epoch': { readonly value: string };
    'build/step-failed': {
      readonly instruction: string;
      /** With its shell, as the history shows it. */
      readonly command: string;
      readonly line: number;
      readonly exitCode: number;
      /** The last lines the step wrote. */
      readonly tail: string;
    };
  }
}

export {};
