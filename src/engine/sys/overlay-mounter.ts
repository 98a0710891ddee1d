/** An overlay as mount(2) is asked for it. */
export interface OverlayRequest {
  readonly target: string;
  /** `lowerdir=…,upperdir=…,workdir=…`, and options that only the kernel knows. */
  readonly data: string;
  readonly readOnly: boolean;
}

/** What lays directories over one another in the kernel's place. */
export interface OverlayMounter {
  /** @throws `tool/missing`, `sys/call-failed` */
  readonly mount: (request: OverlayRequest) => void;
}

let chosen: OverlayMounter | undefined;

/** @param mounter - undefined: the kernel itself */
export function mountOverlaysBy(mounter: OverlayMounter | undefined): void {
  chosen = mounter;
}

export function overlayMounter(): OverlayMounter | undefined {
  return chosen;
}
