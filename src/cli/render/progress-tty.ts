import { Listr, ListrTaskState, Spinner, type ListrRenderer, type ListrTaskObject } from 'listr2';
import type { ProgressEvent } from '../../execute/index.js';
import type { Progress, ProgressOptions } from './progress.js';
import { drawScreen, type RowState, type ScreenRow } from './progress-screen.js';
import { Redraw } from './redraw.js';
import { renderTransfer } from './transfer.js';

/**
 * Draws with listr2: each thing is a task of one list, which grows as events come in and lives until `end`. The events
 * set the tasks' states; the list never runs anything itself. Drawing is ours, since listr2's own renderer measures
 * standard output, and holds back what others write, while ours goes to standard error.
 */
export function ttyProgress(options: ProgressOptions): Progress {
  const rows = new Map<string, LiveRow>();
  const notes: string[] = [];
  let finish: (() => void) | undefined;
  let ended: Promise<unknown> | undefined;

  /** Begins drawing with the first event, so that a command with nothing to do leaves no trace. */
  const newList = (): Listr<object, typeof ScreenRenderer, 'silent'> =>
    new Listr(
      { task: () => new Promise<void>((resolve) => (finish = resolve)) },
      {
        concurrent: true,
        registerSignalListeners: false,
        renderer: ScreenRenderer,
        rendererOptions: { ...options, rows: () => [...rows.values()].map((row) => row.picture()) },
      },
    );
  let list = newList();
  const rowOf = (subject: string): LiveRow => {
    const known = rows.get(subject);
    if (known !== undefined) return known;
    list.add({ title: subject, task: () => undefined });
    const task = list.tasks.at(-1);
    if (task === undefined) throw new Error('bug: listr2 did not add the task');
    const row = new LiveRow(task);
    rows.set(subject, row);
    return row;
  };

  return {
    report: (event) => {
      rowOf(event.subject).report(event);
      ended ??= list.run({});
    },
    note: (text) => {
      if (ended === undefined) options.stream.write(`${text}\n`);
      else notes.push(text);
    },
    end: async () => {
      if (ended === undefined) return;
      while (finish === undefined) await Promise.resolve(); // `run` reaches the task some microtasks after its call
      finish();
      await ended;
      [ended, finish] = [undefined, undefined];
      list = newList();
      rows.clear();
      for (const text of notes.splice(0)) options.stream.write(`${text}\n`);
    },
  };
}

/** One task and when it began and ended; clocks stop with the work. */
class LiveRow {
  readonly #task: ListrTaskObject<object, typeof ScreenRenderer>;
  readonly #beganAt = performance.now();
  #endedAt: number | undefined;
  #warned = false;
  #detail = '';
  readonly #layers = new Map<string, { readonly current: number; readonly total: number }>();

  constructor(task: ListrTaskObject<object, typeof ScreenRenderer>) {
    this.#task = task;
  }

  report({ kind, status, detail, layer, current, total }: ProgressEvent): void {
    if (layer !== undefined) {
      const before = this.#layers.get(layer);
      this.#layers.set(layer, { current: current ?? before?.current ?? 0, total: total ?? before?.total ?? 0 });
      this.#detail = renderTransfer([...this.#layers.values()]);
      return;
    }
    this.#task.output$ = status;
    this.#task.state$ = taskStates[kind];
    this.#warned = kind === 'warning';
    this.#detail = detail ?? '';
    this.#endedAt = kind === 'started' || kind === 'progress' ? undefined : performance.now();
  }

  picture(): ScreenRow {
    return {
      subject: this.#task.title ?? '',
      state: this.#state(),
      status: this.#task.output ?? '',
      detail: this.#detail,
      elapsedMs: (this.#endedAt ?? performance.now()) - this.#beganAt,
    };
  }

  #state(): RowState {
    if (this.#warned) return 'warning';
    if (this.#task.hasFailed()) return 'failed';
    return this.#task.isCompleted() ? 'done' : 'working';
  }
}

const taskStates: Readonly<Record<ProgressEvent['kind'], ListrTaskState>> = {
  started: ListrTaskState.STARTED,
  progress: ListrTaskState.STARTED,
  done: ListrTaskState.COMPLETED,
  failed: ListrTaskState.FAILED,
  warning: ListrTaskState.COMPLETED,
};

interface ScreenOptions extends ProgressOptions {
  readonly rows: () => readonly ScreenRow[];
}

/** listr2's contract for renderers: told when to begin and when the list is done. */
class ScreenRenderer implements ListrRenderer {
  /** Or listr2 would take another renderer where standard output is no terminal; ours looks at its own stream. */
  static nonTTY = true;
  static rendererOptions: ScreenOptions;
  static rendererTaskOptions: never;
  readonly #options: ScreenOptions;
  readonly #spinner = new Spinner();
  readonly #redraw: Redraw;

  constructor(_tasks: unknown, options: ScreenOptions) {
    this.#options = options;
    this.#redraw = new Redraw(options.stream);
  }

  render(): void {
    this.#spinner.start(() => this.#redraw.draw(this.#lines(true)));
  }

  end(): void {
    this.#spinner.stop();
    this.#redraw.finish(this.#lines(false));
  }

  #lines(cropped: boolean): string[] {
    const { operation, rows, stream, style } = this.#options;
    const columns = stream.columns ?? 80;
    const size = cropped ? { columns, lines: (stream.rows ?? 24) - 1 } : { columns };
    return drawScreen(operation, rows(), size, cropped ? this.#spinner.fetch() : '·', style);
  }
}
