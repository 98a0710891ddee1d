declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Neither crun nor runc can run a container here. */
    'oci/no-runtime': { readonly tried: readonly { readonly runtime: string; readonly reason: string }[] };
    'oci/no-monitor': { readonly tool: 'conmon' };
    /** The runtime refused; `message` is its own text. */
    'oci/create-failed': { readonly reason: string; readonly exitCode: 126 | 127 | 128 };
    'oci/runtime-failed': { readonly operation: string; readonly reason: string };
    /** AppArmor is on, and the profile that containers run in cannot be loaded. */
    'oci/no-default-profile': { readonly profile: string };
    'oci/no-init': { readonly tried: readonly string[] };
    'oci/unknown-user': { readonly user: string };
    'oci/unknown-group': { readonly group: string };
    /** An option of a container that cannot be put into a bundle. */
    'oci/invalid-option': { readonly option: string; readonly value: string };
    'oci/shared-mounts': Record<string, never>;
  }
}

export {};
