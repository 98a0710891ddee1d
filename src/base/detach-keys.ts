const defaultKeys = 'ctrl-p,ctrl-q';

/** The bytes that end a session: `ctrl-p,ctrl-q`, which is the default, `ctrl-@`, `a`. @returns undefined for others */
export function parseDetachKeys(text: string | undefined): number[] | undefined {
  const keys = text === undefined || text === '' ? defaultKeys : text;
  const bytes = keys.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    return key.length === 1 ? key.charCodeAt(0) : undefined;
  });
  return bytes.every((byte) => byte !== undefined) ? bytes : undefined;
}

/** Looks for the keys in input that arrives cut anywhere. */
export class DetachWatch {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What of the input goes on to the container, and whether the keys were complete. */
  push(chunk: Buffer): { readonly forward: Buffer; readonly detached: boolean } {
    const forward: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { forward: Buffer.from(forward), detached: true };
        continue;
      }
      forward.push(...this.#keys.slice(0, this.#matched)); // they were ordinary input after all
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) forward.push(byte);
    }
    return { forward: Buffer.from(forward), detached: false };
  }
}
