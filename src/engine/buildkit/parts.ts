import type { Log } from '../../base/log.js';
import type { Builder } from '../builder/index.js';
import type { ImageStore } from '../images/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { Sessions } from './session/sessions.js';
import type { Spools } from './session/spools.js';

/** What builds of this room stand on. */
export interface BuildKitParts {
  readonly builder: () => Promise<Builder>;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly sessions: Sessions;
  /** Opened by the first local context. */
  readonly spools: () => Promise<Spools>;
  readonly version: string;
  /** This machine's address as steps reach it; undefined when there is none. */
  readonly hostGateway: () => string | undefined;
  readonly log: Log;
}
