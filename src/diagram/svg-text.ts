/** Texts in an SVG: escaped, measured, cut. SVG has no text layout of its own, so widths are estimated on the safe side. */

export interface Font {
  /** Height of the letters in pixels. */
  readonly size: number;
  readonly family: 'sans' | 'mono';
  readonly bold?: boolean;
}

/** For text and attribute values. What XML 1.0 cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\t\n\r]/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Width in pixels, at least what the widest of the usual fonts (DejaVu, Verdana) takes. */
export function widthOf(text: string, { size, family, bold = false }: Font): number {
  let em = 0;
  for (const character of text) em += family === 'mono' ? monoWidth(character) : sansWidth(character);
  return em * size * (bold && family === 'sans' ? 1.1 : 1);
}

/** The text, cut to fit: in its middle, or at its start where the end tells more, as with image names. */
export function fitted(text: string, font: Font, room: number, cut: 'middle' | 'start' = 'middle'): string {
  if (widthOf(text, font) <= room) return text;
  const characters = Array.from(text);
  for (let kept = characters.length - 1; kept > 1; kept -= 1) {
    const head = cut === 'start' ? 0 : Math.ceil(kept * 0.6);
    const short = `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (kept - head)).join('')}`;
    if (widthOf(short, font) <= room) return short;
  }
  return '…';
}

function monoWidth(character: string): number {
  return isWide(character) ? 1.1 : 0.61;
}

function sansWidth(character: string): number {
  if (isWide(character)) return 1.05;
  if (/[ijl.,:;|!'I]/.test(character)) return 0.34;
  if (/[ftr()[\]/\\\- ]/.test(character)) return 0.43;
  if (/[mwMW@%×→]/.test(character)) return 0.98;
  return /[A-Z0-9]/.test(character) ? 0.7 : 0.63;
}

/** East Asian scripts and pictographs take a whole em. */
function isWide(character: string): boolean {
  return (character.codePointAt(0) ?? 0) >= 0x1100 && !/[\u2000-\u2bff]/.test(character);
}
