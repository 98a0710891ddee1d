import type { Platform } from '../../registry/index.js';
import { badParameter } from './errors.js';

/** `os/arch[/variant]`, or JSON with those members as some routes have it. @throws `request/bad-parameter` */
export function parsePlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  const [os = '', architecture = '', variant = '', ...more] = text.startsWith('{') ? fromJson(text) : text.split('/');
  if (!isWord(os) || (architecture !== '' && !isWord(architecture)) || more.length > 0) throw invalid(text);
  if (architecture === '') throw invalid(text);
  return { os, architecture, ...(variant === '' ? {} : { variant }) };
}

function fromJson(text: string): string[] {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return ['os', 'architecture', 'variant'].map((name) => (typeof value[name] === 'string' ? value[name] : ''));
  } catch {
    throw invalid(text);
  }
}

function isWord(text: string): boolean {
  return /^[\w.-]+$/.test(text);
}

function invalid(text: string): Error {
  return badParameter('platform', `invalid platform ${JSON.stringify(text)}: expected os/architecture[/variant]`);
}
