import { CastError, parseFloatText, parseInteger } from './cast.js';
import { durationText, float32, parseDuration, parseSize, splitCommand } from './go-values.js';
import { isFailure, TscomposeError } from '../base/errors.js';
import type { NodePath } from './model.js';
import { isNull, textOf, toPlain, type Node, type ScalarNode } from './node.js';
import { pathText, type Problems } from './problems.js';
import { kindOf, scalarText } from './scalar.js';
import { locationOf } from './source-text.js';
import type { ScalarKind, Shape, StructShape } from './shape.js';
import { BareText, FloatValue } from './yaml-text.js';

/** Plain data of the canonical form. Mappings with keys of the user's choice have no prototype. */
type Plain = Record<string, unknown>;

/**
 * Turns a normalised tree into plain data of the given shape: types converted, empty members left out, members in the
 * order they are written, `x-…` members last. Values that do not convert are added to `problems` and left out.
 */
export function decode(node: Node, shape: Shape, path: NodePath, problems: Problems): unknown {
  return new Decoder(problems).value(node, shape, path);
}

class Decoder {
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** Undefined for what is left out. */
  value(node: Node, shape: Shape, path: NodePath): unknown {
    try {
      return this.#value(node, shape, path);
    } catch (error) {
      if (!isFailure(error)) throw error;
      this.#problems.keep(error);
      return undefined;
    }
  }

  #value(node: Node, shape: Shape, path: NodePath): unknown {
    switch (shape.kind) {
      case 'list': {
        if (isNull(node)) return undefined;
        if (node.kind !== 'list') throw wrongType(node, path, 'a list');
        const items = node.items.map((item, index) => this.value(item, shape.of, [...path, index]));
        return items.filter((item) => item !== undefined);
      }
      case 'map': {
        if (isNull(node)) return undefined;
        if (node.kind !== 'map') throw wrongType(node, path, 'a mapping');
        const plain = Object.create(null) as Plain;
        for (const key of [...node.entries.keys()].sort()) {
          const member = node.entries.get(key);
          if (member === undefined) continue;
          const value = this.value(member, shape.of, [...path, key]);
          if (value !== undefined) plain[key] = value;
          else if (!shape.nullable && shape.of.kind === 'struct' && isNull(member)) plain[key] = {};
          else if (shape.nullable) plain[key] = null;
        }
        return plain;
      }
      case 'struct':
        return this.#struct(node, shape, path);
      default:
        return isNull(node) ? nullOf(shape.kind) : this.#scalar(node, shape.kind, path);
    }
  }

  #struct(node: Node, shape: StructShape, path: NodePath): Plain | undefined {
    if (isNull(node)) return undefined;
    if (node.kind !== 'map') throw wrongType(node, path, 'a mapping');
    const plain: Plain = {};
    for (const field of shape.fields) {
      const member = node.entries.get(field.name);
      const value = member === undefined ? undefined : this.value(member, field.shape, [...path, field.name]);
      if (field.presence === 'always') plain[field.name] = value ?? zeroOf(field.shape);
      else if (value !== undefined && (field.presence === 'set' || !isEmpty(value, field.shape)))
        plain[field.name] = value;
    }
    for (const key of [...node.entries.keys()].sort()) {
      const member = node.entries.get(key);
      if (key.startsWith('x-') && member !== undefined) plain[key] = rawValue(member);
    }
    return plain;
  }

  #scalar(node: Node, kind: ScalarKind, path: NodePath): unknown {
    switch (kind) {
      case 'any':
        return toPlain(node);
      case 'text':
        return this.#text(node, path);
      case 'boolean':
        return this.#boolean(node, path);
      case 'integer':
      case 'unsigned':
        return this.#integer(node, kind, path);
      case 'float':
        return this.#float(node, path);
      case 'size':
        return this.#size(node, path);
      case 'duration':
        return this.#duration(node, path);
      case 'command':
        return this.#command(node, path);
      case 'test':
        return textOf(node) === undefined ? this.#texts(node, path) : ['CMD-SHELL', textOf(node)];
      case 'texts':
        return this.#texts(node, path);
      case 'texts or numbers':
        return this.#wholeTexts(node, path);
      case 'assignments':
        return this.#assignments(node, path, '');
      case 'options':
        return this.#options(node, path);
      case 'variables':
        return this.#assignments(node, path, null);
      case 'hosts':
        return this.#hosts(node, path);
      case 'ssh':
        return this.#ssh(node, path);
      case 'ulimit':
        return this.#ulimit(node, path);
      case 'device count':
        return textOf(node)?.toLowerCase() === 'all' ? -1 : this.#integer(node, 'integer', path);
      case 'provider options':
        return this.#providerOptions(node, path);
    }
  }

  #text(node: Node, path: NodePath): string | undefined {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'string' && node.timestamp === undefined) return node.value;
      if ((typeof node.value === 'number' || typeof node.value === 'bigint') && node.float !== true)
        return scalarText(node);
    }
    throw wrongType(node, path, 'text', node.kind === 'scalar' ? 'put it in quotes' : undefined);
  }

  #boolean(node: Node, path: NodePath): boolean | undefined {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'boolean') return node.value;
      if (typeof node.value === 'string') {
        const word = node.value.toLowerCase();
        if (['true', 'y', 'yes', 'on'].includes(word)) return true;
        if (['false', 'n', 'no', 'off'].includes(word)) return false;
      }
    }
    throw wrongType(node, path, 'true or false');
  }

  #integer(node: Node, kind: 'integer' | 'unsigned', path: NodePath): number | undefined {
    let value: number | undefined;
    if (node.kind === 'scalar') {
      if (typeof node.value === 'number' || typeof node.value === 'bigint') value = Math.trunc(Number(node.value));
      else if (typeof node.value === 'string' && kind === 'integer') {
        try {
          value = Number(parseInteger(node.value));
        } catch (error) {
          if (!(error instanceof CastError)) throw error;
        }
      }
    }
    if (value === undefined) throw wrongType(node, path, 'a whole number');
    if (kind === 'unsigned' && value < 0) throw invalidValue(node, path, `${value} is less than 0`);
    return value;
  }

  #float(node: Node, path: NodePath): number | undefined {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'number' || typeof node.value === 'bigint') return float32(Number(node.value));
      if (typeof node.value === 'string') {
        try {
          return float32(parseFloatText(node.value));
        } catch (error) {
          if (!(error instanceof CastError)) throw error;
        }
      }
    }
    throw wrongType(node, path, 'a number');
  }

  #size(node: Node, path: NodePath): string | undefined {
    const text = textOf(node);
    if (text !== undefined) {
      const bytes = parseSize(text);
      if (bytes === undefined) {
        throw invalidValue(node, path, `"${text}" is no size`, 'write a number with b, k, m or g');
      }
      return wholeText(bytes);
    }
    // A fraction of a byte means nothing, and docker compose reads such a number as none at all.
    if (node.kind === 'scalar' && node.float === true) return '0';
    if (node.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'bigint')) {
      return String(node.value);
    }
    throw wrongType(node, path, 'a size');
  }

  #duration(node: Node, path: NodePath): string | undefined {
    const text = node.kind === 'scalar' ? scalarText(node) : '';
    const nanos = parseDuration(text);
    if (nanos === undefined) throw invalidValue(node, path, `"${text}" is no duration`, 'write it like 1m30s');
    return durationText(nanos);
  }

  #command(node: Node, path: NodePath): readonly string[] | undefined {
    const line = textOf(node);
    if (line === undefined) return this.#texts(node, path);
    const words = splitCommand(line);
    if (words !== undefined) return words;
    throw invalidValue(
      node,
      path,
      'quotes or brackets in the command line do not close',
      'write the command as a list',
    );
  }

  #texts(node: Node, path: NodePath): readonly string[] | undefined {
    const one = textOf(node);
    if (one !== undefined) return [one];
    if (node.kind !== 'list') throw wrongType(node, path, 'text or a list');
    const texts: string[] = [];
    for (const [index, item] of node.items.entries()) {
      texts.push(itemText(item, [...path, index]));
    }
    return texts;
  }

  /** Numbers are whole, or none of what they could mean. */
  #wholeTexts(node: Node, path: NodePath): readonly string[] | undefined {
    for (const [index, item] of (node.kind === 'list' ? node.items : []).entries()) {
      if (item.kind === 'scalar' && item.float === true)
        throw wrongType(item, [...path, index], 'text or a whole number');
    }
    return this.#texts(node, path);
  }

  #assignments(node: Node, path: NodePath, unset: '' | null): Plain | undefined {
    const plain = Object.create(null) as Plain;
    if (node.kind === 'list') {
      for (const [index, item] of node.items.entries()) {
        const text = itemText(item, [...path, index]);
        const equals = text.indexOf('=');
        plain[equals === -1 ? text : text.slice(0, equals)] = equals === -1 ? unset : text.slice(equals + 1);
      }
      return sortedKeys(plain);
    }
    if (node.kind !== 'map') throw wrongType(node, path, 'a mapping or a list');
    for (const [key, value] of node.entries) {
      if (isNull(value)) plain[key] = unset;
      else if (value.kind === 'scalar') plain[key] = scalarText(value);
      else throw wrongType(value, [...path, key], 'text');
    }
    return sortedKeys(plain);
  }

  #options(node: Node, path: NodePath): Plain | undefined {
    for (const [key, value] of node.kind === 'map' ? node.entries : []) {
      if (!isNull(value)) this.#text(value, [...path, key]);
    }
    return this.#assignments(node, path, '');
  }

  #hosts(node: Node, path: NodePath): readonly string[] | undefined {
    const hosts: string[] = [];
    const add = (host: string, ip: string, from: Node, at: NodePath): void => {
      if (host === '' || /[:=]/.test(host)) throw invalidValue(from, at, `"${host}" is no host name`);
      hosts.push(`${host}=${/^\[.+\]$/.test(ip) ? ip.slice(1, -1) : ip}`);
    };
    if (node.kind === 'map') {
      for (const [host, value] of node.entries) {
        for (const ip of value.kind === 'list' ? value.items : [value]) {
          add(host, ip.kind === 'scalar' && ip.value !== null ? scalarText(ip) : '', value, [...path, host]);
        }
      }
    } else if (node.kind === 'list') {
      for (const [index, item] of node.items.entries()) {
        const text = item.kind === 'scalar' ? scalarText(item) : '';
        const separator = text.includes('=') ? '=' : ':';
        const cut = text.indexOf(separator);
        if (cut === -1) throw invalidValue(item, [...path, index], `"${text}" has no address`, 'write HOST=IP');
        for (const ip of text.slice(cut + 1).split(',')) add(text.slice(0, cut), ip, item, [...path, index]);
      }
    } else throw wrongType(node, path, 'a mapping or a list');
    return hosts.sort();
  }

  #ssh(node: Node, path: NodePath): readonly string[] | undefined {
    if (node.kind !== 'map') throw wrongType(node, path, 'a mapping or a list');
    return [...node.entries]
      .map(([id, key]) => (isNull(key) || key.kind !== 'scalar' || key.value === '' ? id : `${id}: ${scalarText(key)}`))
      .sort();
  }

  #ulimit(node: Node, path: NodePath): unknown {
    if (node.kind === 'scalar') return this.#integer(node, 'integer', path);
    if (node.kind === 'list') throw wrongType(node, path, 'a whole number or a mapping');
    const limit: Plain = {};
    for (const name of ['soft', 'hard']) {
      const member = node.entries.get(name);
      const value = member === undefined ? undefined : this.#integer(member, 'integer', [...path, name]);
      limit[name] = value ?? 0;
    }
    return limit;
  }

  #providerOptions(node: Node, path: NodePath): Plain | undefined {
    if (node.kind !== 'map') throw wrongType(node, path, 'a mapping');
    const plain = Object.create(null) as Plain;
    for (const [key, value] of node.entries) {
      const items = value.kind === 'list' ? value.items : [value];
      plain[key] = items.filter((item): item is ScalarNode => item.kind === 'scalar').map(scalarText);
    }
    return sortedKeys(plain);
  }
}

/** An item of a list of texts. A date is none: which spelling of it was meant cannot be known. */
function itemText(item: Node, path: NodePath): string {
  if (item.kind === 'scalar' && item.value !== null && item.timestamp === undefined) return scalarText(item);
  throw wrongType(item, path, 'text', item.kind === 'scalar' && item.value !== null ? 'put it in quotes' : undefined);
}

function wrongType(node: Node, path: NodePath, expected: string, hint?: string): TscomposeError {
  const place = pathText(path);
  const actual = kindOf(node);
  return new TscomposeError({
    code: 'compose/wrong-type',
    message: `${place} must be ${expected}, got ${actual}`,
    facts: { path: place, expected, actual },
    hint,
    at: locationOf(node.at ?? node.key),
  });
}

function invalidValue(node: Node, path: NodePath, problem: string, hint?: string): TscomposeError {
  const place = pathText(path);
  return new TscomposeError({
    code: 'compose/invalid-value',
    message: `${place}: ${problem}`,
    facts: { path: place },
    hint,
    at: locationOf(node.at ?? node.key),
  });
}

function nullOf(kind: ScalarKind): unknown {
  return kind === 'any' ? null : undefined;
}

/** A tree as plain data; numbers and timestamps whose spelling differs from their plain value stay marked. */
export function rawValue(node: Node): unknown {
  switch (node.kind) {
    case 'list':
      return node.items.map(rawValue);
    case 'map': {
      const plain = Object.create(null) as Plain;
      for (const [key, value] of node.entries) plain[key] = rawValue(value);
      return plain;
    }
    case 'scalar':
      if (node.timestamp !== undefined) return new BareText(String(node.value));
      return node.float === true && Number.isInteger(node.value) ? new FloatValue(node.value) : node.value;
  }
}

function isEmpty(value: unknown, shape: Shape): boolean {
  if (shape.kind === 'command') return false;
  if (shape.kind === 'size') return value === '0';
  if (shape.kind === 'duration') return value === '0s';
  if (value === '' || value === 0 || value === false || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function zeroOf(shape: Shape): unknown {
  switch (shape.kind) {
    case 'boolean':
      return false;
    case 'integer':
    case 'unsigned':
      return 0;
    case 'size':
      return '0';
    case 'map':
      return Object.create(null) as Plain;
    default:
      return '';
  }
}

function wholeText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}

function sortedKeys(plain: Plain): Plain {
  const sorted = Object.create(null) as Plain;
  for (const key of Object.keys(plain).sort()) sorted[key] = plain[key];
  return sorted;
}
