import type { OverlayLayers } from './init-layer.js';
import type { RuntimeProgram } from './runtime.js';
import type { SeccompCache } from './seccomp-cache.js';

/** What the parts of this room share. */
export interface OciEnvironment {
  readonly runtime: RuntimeProgram;
  readonly runtimeDir: string;
  /** `/tscompose-<engine id>` */
  readonly cgroupParent: string;
  readonly seccomp: SeccompCache;
  readonly layers: OverlayLayers;
  readonly joinBridge?:
    | ((
        step: { readonly id: string; readonly extraHosts: readonly string[] },
        signal: AbortSignal,
      ) => Promise<StepNetwork>)
    | undefined;
}

/** What a build step needs of a network; given by whoever knows networks. */
export interface StepNetwork {
  readonly namespacePath: string;
  readonly resolvConf: string;
  /** The extra hosts as they stand in /etc/hosts. */
  readonly hostsLines: readonly string[];
  release(): Promise<void>;
}
