import { truncate } from '../../base/text-width.js';
import type { CliContext } from '../context.js';
import { sgr, styleFor, type Style } from '../render/style.js';
import { booleanSetting, type InputStream, type OutputStream } from '../terminal.js';

/** The keys that an attached `up` takes. */
export interface MenuKeys {
  readonly w: () => void;
  readonly d: () => void;
}

export interface Menu {
  /** The command's context, with the menu kept below what is written through it. */
  readonly context: CliContext;
  readonly showWatching: (watching: boolean) => void;
  /** Gives the terminal back. May be called twice. */
  readonly close: () => void;
}

const interruptKey = '\u0003';
const suspendKey = '\u001a';
const clearFromHere = '\r\u001b[J';

/**
 * Takes single keys where people sit at a terminal and have not said no, by flag, COMPOSE_MENU or plain progress. Enter
 * leaves an empty line, Ctrl-Z suspends. Ctrl-C closes the menu and stays an interrupt; the next one is a signal again.
 */
export function openMenu(context: CliContext, wanted: boolean | undefined, keys: MenuKeys): Menu {
  const { stdout } = context.terminal;
  const on = wanted ?? booleanSetting(context.settings['COMPOSE_MENU']) ?? true;
  // Standard input is opened only where it is read.
  if (!on || context.progressMode !== 'tty' || stdout.isTTY !== true || context.terminal.stdin.isTTY !== true)
    return { context, showWatching: () => undefined, close: () => undefined };
  return new KeyMenu(context, keys);
}

class KeyMenu implements Menu {
  readonly context: CliContext;
  readonly #stdin: InputStream;
  readonly #stdout: OutputStream;
  readonly #style: Style;
  #watching = false;
  #drawn = false;
  /** Something else draws; or it is closed. */
  #hidden = false;
  #closed = false;
  readonly #take: (typed: string | Uint8Array) => void;
  readonly #redraw = (): void => {
    this.#around(() => undefined);
  };
  readonly #resume = (): void => {
    this.#stdin.setRawMode?.(true);
    this.#redraw();
  };

  constructor(context: CliContext, keys: MenuKeys) {
    const { terminal, ansi, settings, interrupts } = context;
    this.#stdin = terminal.stdin;
    this.#stdout = terminal.stdout;
    this.#style = styleFor(terminal.stdout, ansi, settings);
    this.#take = (typed) => {
      for (const key of String(typed)) {
        if (this.#closed) return;
        if (key === 'w') keys.w();
        else if (key === 'd') keys.d();
        else if (key === '\r' || key === '\n') this.#write('\n');
        else if (key === suspendKey) this.#suspend();
        else if (key === interruptKey) {
          this.close();
          interrupts.raise('SIGINT');
        }
      }
    };
    this.context = this.#wrapped(context);
    this.#stdin.setRawMode?.(true);
    this.#stdin.on('data', this.#take);
    this.#stdout.on('resize', this.#redraw);
    process.on('SIGCONT', this.#resume);
    this.#redraw();
  }

  readonly showWatching = (watching: boolean): void => {
    this.#watching = watching;
    this.#redraw();
  };

  readonly close = (): void => {
    if (this.#closed) return;
    this.#around(() => {
      this.#closed = true;
    });
    this.#stdin.off('data', this.#take);
    this.#stdout.off('resize', this.#redraw);
    process.off('SIGCONT', this.#resume);
    this.#stdin.setRawMode?.(false);
    this.#stdin.pause();
  };

  #suspend(): void {
    this.#around(() => {
      this.#stdin.setRawMode?.(false);
      process.kill(0, 'SIGTSTP'); // the whole job, as the terminal would
    });
  }

  /** Writes with the menu out of the way. */
  #around(write: () => void): void {
    if (this.#drawn) this.#stdout.write(clearFromHere);
    this.#drawn = false;
    write();
    if (this.#closed || this.#hidden) return;
    this.#stdout.write(`${this.#line()}\r`);
    this.#drawn = true;
  }

  #line(): string {
    const entries = [
      ['w', this.#watching ? 'Disable Watch' : 'Enable Watch'],
      ['d', 'Detach'],
    ] as const;
    const gap = '   ';
    let room = (this.#stdout.columns ?? 80) - 1;
    return entries
      .map(([key, text], index) => {
        const before = index === 0 ? '' : gap;
        const label = truncate(` ${text}`, Math.max(0, room - before.length - key.length));
        room -= before.length + key.length + label.length;
        return room < 0 ? '' : `${before}${this.#style.paint(sgr.bold, key)}${this.#style.paint(sgr.dim, label)}`;
      })
      .join('');
  }

  #write(text: string | Uint8Array): boolean {
    let calm = true;
    this.#around(() => {
      calm = this.#stdout.write(text);
    });
    return calm;
  }

  #wrapped(context: CliContext): CliContext {
    const stream = this.#stdout;
    const stdout: OutputStream = {
      isTTY: true,
      get columns() {
        return stream.columns;
      },
      get rows() {
        return stream.rows;
      },
      get writableNeedDrain() {
        return stream.writableNeedDrain === true;
      },
      write: (text) => this.#write(text),
      on: (event, listener) => stream.on(event, listener),
      off: (event, listener) => stream.off(event, listener),
      once: (event, listener) => stream.once(event, listener),
    };
    return {
      ...context,
      terminal: { ...context.terminal, stdout },
      warn: (text) => {
        this.#around(() => {
          context.warn(text);
        });
      },
      progress: async (operation) => {
        this.#hidden = true;
        this.#redraw();
        const progress = await context.progress(operation);
        return {
          ...progress,
          end: async () => {
            await progress.end();
            this.#hidden = false;
            this.#redraw();
          },
        };
      },
    };
  }
}
