/** What happens to one thing while a plan is carried out, for a renderer. */
export interface ProgressEvent {
  readonly kind: 'started' | 'progress' | 'done' | 'failed' | 'warning';
  /** `Container demo-web-1`, `Network demo_default`, `Volume demo_data`, `Image busybox`. */
  readonly subject: string;
  /** docker compose's words: `Creating`, `Created`, … */
  readonly status: string;
  readonly detail?: string;
  /** Of a pull: the layer it is about. */
  readonly layer?: string;
  /** Bytes. */
  readonly current?: number;
  readonly total?: number;
}

export type OnEvent = (event: ProgressEvent) => void;
