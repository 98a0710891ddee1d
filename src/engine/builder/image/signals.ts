import { constants } from 'node:os';

/** Whether STOPSIGNAL may be this: a number or a name with or without `SIG`, real-time ones too. */
export function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, '');
  return `SIG${name}` in constants.signals || /^RTM(IN(\+\d{1,2})?|AX(-\d{1,2})?)$/.test(name);
}
