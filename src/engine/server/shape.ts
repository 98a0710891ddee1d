import { badBody } from './errors.js';

/**
 * What a JSON value has to be: text, a whole number, a flag, text or a list of it (`command`), a list, a map, or an
 * object with members, where others than those named are let through.
 */
export type Shape = 'text' | 'number' | 'flag' | 'command' | ListShape | MapShape | MembersShape;
interface ListShape {
  readonly list: Shape;
}
interface MapShape {
  readonly map: Shape;
}
export interface MembersShape {
  readonly members: Readonly<Record<string, Shape>>;
}

/** `members` of one shape each, by their names in a row. */
export function each(shape: Shape, names: string): Record<string, Shape> {
  return Object.fromEntries(names.split(' ').map((name) => [name, shape]));
}

/**
 * The value as its shape has it, read as a decoder of Go reads it: members that are null are left out, and the case of
 * a member's name does not matter.
 * @throws `request/bad-body` with the place of what is something else
 */
export function shaped(value: Readonly<Record<string, unknown>>, shape: MembersShape): Record<string, unknown> {
  return membersOf(value, shape, '');
}

function membersOf(value: object, { members }: MembersShape, place: string): Record<string, unknown> {
  const entries = Object.entries(value as Record<string, unknown>).filter(([, member]) => member !== null);
  return Object.fromEntries(
    entries.map(([given, member]) => {
      const name = Object.hasOwn(members, given) ? given : inOtherCase(members, given);
      const shape = name === undefined ? undefined : members[name];
      if (name === undefined || shape === undefined) return [given, member];
      return [name, valueOf(member, shape, place === '' ? name : `${place}.${name}`)];
    }),
  );
}

function inOtherCase(members: Readonly<Record<string, Shape>>, given: string): string | undefined {
  return Object.keys(members).find((name) => name.toLowerCase() === given.toLowerCase());
}

function valueOf(value: unknown, shape: Shape, place: string): unknown {
  if (shape === 'command') return typeof value === 'string' ? [value] : valueOf(value, { list: 'text' }, place);
  if (shape === 'text') return typeof value === 'string' ? value : refuse(value, 'text', place);
  if (shape === 'flag') return typeof value === 'boolean' ? value : refuse(value, 'true or false', place);
  if (shape === 'number') return isInt64(value) ? value : refuse(value, 'a whole number of 64 bits', place);
  if ('list' in shape) {
    if (!Array.isArray(value)) return refuse(value, 'a list', place);
    return value.map((item, index) => valueOf(item, shape.list, `${place}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(value, 'an object', place);
  if ('members' in shape) return membersOf(value, shape, place);
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, item === null ? null : valueOf(item, shape.map, `${place}[${key}]`)]),
  );
}

function isInt64(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 63;
}

function refuse(value: unknown, wanted: string, place: string): never {
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  throw badBody(`invalid JSON: ${place} is ${found}, and has to be ${wanted}`);
}
