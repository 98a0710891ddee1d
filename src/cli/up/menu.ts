import type { CliContext } from '../context.js';
import { booleanSetting } from '../terminal.js';

/** The keys that an attached `up` takes. */
export interface MenuKeys {
  readonly w: () => void;
  readonly d: () => void;
}

const interruptKey = '\u0003';

/**
 * Takes single keys where people sit at a terminal and have not said no, by flag or COMPOSE_MENU. Ctrl-C, which then
 * comes as a key, stays an interrupt. `close` gives the terminal back.
 */
export function openMenu(
  { terminal, interrupts }: CliContext,
  wanted: boolean | undefined,
  keys: MenuKeys,
): { readonly close: () => void } {
  const { stdout, environment } = terminal;
  const on = wanted ?? booleanSetting(environment['COMPOSE_MENU']) ?? true;
  // Standard input is opened only where it is read.
  if (!on || stdout.isTTY !== true || terminal.stdin.isTTY !== true) return { close: () => undefined };
  const { stdin } = terminal;
  const take = (typed: string | Uint8Array): void => {
    for (const key of String(typed)) {
      if (key === interruptKey) interrupts.raise('SIGINT');
      else if (key === 'w') keys.w();
      else if (key === 'd') keys.d();
    }
  };
  stdin.setRawMode?.(true);
  stdin.on('data', take);
  stdout.write('w watch   d detach   Ctrl+C stop\n');
  return {
    close: () => {
      stdin.off('data', take);
      stdin.setRawMode?.(false);
      stdin.pause();
    },
  };
}
