/** Escape sequences for one stream: all of them, or none at all. */
export interface Style {
  readonly colour: boolean;
  paint(code: string, text: string): string;
}

export const sgr = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
} as const;

export const plainStyle: Style = { colour: false, paint: (_code, text) => text };
export const colourStyle: Style = { colour: true, paint: (code, text) => `\u001b[${code}m${text}\u001b[0m` };

export const ansiChoices = ['never', 'always', 'auto'] as const;
export type AnsiChoice = (typeof ansiChoices)[number];

/** `--ansi`, `COMPOSE_ANSI` and `NO_COLOR` (https://no-color.org: any non-empty value forbids colour). */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  choice: AnsiChoice,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  if (environment['NO_COLOR'] || choice === 'never') return plainStyle;
  if (choice === 'always') return colourStyle;
  return stream.isTTY === true && environment['TERM'] !== 'dumb' ? colourStyle : plainStyle;
}
