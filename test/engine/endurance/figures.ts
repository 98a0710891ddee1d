import { readdirSync, readFileSync } from 'node:fs';

/** A size for a long run: `variable` names an environment variable that asks for another than `small`. */
export function sizeFrom(variable: string, small: number): number {
  const asked = Number(process.env[variable] ?? small);
  if (!Number.isSafeInteger(asked) || asked < 1) throw new Error(`${variable} is not a positive number`);
  return asked;
}

export interface ProcessFigures {
  readonly residentKb: number;
  readonly files: number;
}

/** What a process holds now. */
export function figuresOf(pid: number): ProcessFigures {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    residentKb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Runs `work` for every item, `width` at a time, in order. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

/** A figure for whoever reads the run's output. */
export function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const words = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`${what}: ${words.join(', ')}\n`);
}
