import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { decodeName, encodeName } from '../../base/tar/names.js';

/** One member of a message: how it is read and written, and what it is where the wire says nothing (proto3). */
export interface Field<T> {
  readonly number: number;
  initial(): T;
  /** @param before - what earlier occurrences of the field came to, or `initial`; may be changed and given back */
  read(reader: BinaryReader, before: T): T;
  write(writer: BinaryWriter, value: T): void;
}

/** A message type: bytes to values and back. Unknown fields are passed over. */
export interface Message<T> {
  decode(bytes: Uint8Array): T;
  /** What is left out is not written. */
  encode(value: Partial<T>): Uint8Array;
}

type Values<Fields extends Readonly<Record<string, Field<unknown>>>> = {
  readonly [Name in keyof Fields]: Fields[Name] extends Field<infer T> ? T : never;
};

/** Describes a message by the fields that are used of it; the numbers are those of its `.proto`. */
export function message<Fields extends Readonly<Record<string, Field<unknown>>>>(
  fields: Fields,
): Message<Values<Fields>> {
  type Value = Values<Fields>;
  const table = Object.entries(fields);
  const byNumber = new Map(table.map(([name, field]) => [field.number, { name, field }]));
  return {
    decode: (bytes) => {
      const value: Record<string, unknown> = {};
      for (const [name, field] of table) value[name] = field.initial();
      const reader = new BinaryReader(bytes);
      while (reader.pos < reader.len) {
        const [number, wireType] = reader.tag();
        const known = byNumber.get(number);
        if (known === undefined) reader.skip(wireType, number);
        else value[known.name] = known.field.read(reader, value[known.name]);
      }
      return value as Value; // a member for each field, read by that field
    },
    encode: (value) => {
      const writer = new BinaryWriter();
      for (const [name, field] of table) {
        const member: unknown = (value as Readonly<Record<string, unknown>>)[name];
        if (member !== undefined) field.write(writer, member);
      }
      return writer.finish();
    },
  };
}

interface Scalar<T> {
  readonly wireType: WireType;
  readonly empty: T;
  read(reader: BinaryReader): T;
  write(writer: BinaryWriter, value: T): void;
  isEmpty(value: T): boolean;
}

const isEmptyBytes = (value: Uint8Array): boolean => value.byteLength === 0;
const stringType: Scalar<string> = {
  wireType: WireType.LengthDelimited,
  empty: '',
  read: (reader) => reader.string(),
  write: (writer, value) => void writer.string(value),
  isEmpty: (value) => value === '',
};
/** A path: bytes that need not be UTF-8, which Go does not mind. */
const nameType: Scalar<string> = {
  ...stringType,
  read: (reader) => decodeName(Buffer.from(reader.bytes())),
  write: (writer, value) => void writer.bytes(encodeName(value)),
};
const bytesType: Scalar<Uint8Array> = {
  wireType: WireType.LengthDelimited,
  empty: new Uint8Array(),
  read: (reader) => reader.bytes(),
  write: (writer, value) => void writer.bytes(value),
  isEmpty: isEmptyBytes,
};
const boolType: Scalar<boolean> = {
  wireType: WireType.Varint,
  empty: false,
  read: (reader) => reader.bool(),
  write: (writer, value) => void writer.bool(value),
  isEmpty: (value) => !value,
};
const integerType: Scalar<number> = {
  wireType: WireType.Varint,
  empty: 0,
  read: (reader) => Number(reader.int64()),
  write: (writer, value) => void writer.int64(BigInt(Math.trunc(value))),
  isEmpty: (value) => value === 0,
};
const bigIntegerType: Scalar<bigint> = {
  wireType: WireType.Varint,
  empty: 0n,
  read: (reader) => BigInt(reader.int64()),
  write: (writer, value) => void writer.int64(value),
  isEmpty: (value) => value === 0n,
};
function messageType<T>(inner: Message<T>): Scalar<Partial<T>> & { read(reader: BinaryReader): T } {
  return {
    wireType: WireType.LengthDelimited,
    empty: {},
    read: (reader) => inner.decode(reader.bytes()),
    write: (writer, value) => void writer.bytes(inner.encode(value)),
    isEmpty: () => false,
  };
}

function single<T>(number: number, type: Scalar<T>): Field<T> {
  return {
    number,
    initial: () => type.empty,
    read: (reader) => type.read(reader),
    write: (writer, value) => {
      if (!type.isEmpty(value)) type.write(writer.tag(number, type.wireType), value);
    },
  };
}

function repeated<T>(number: number, type: Scalar<T>): Field<readonly T[]> {
  return {
    number,
    initial: () => [],
    read: (reader, before) => {
      (before as T[]).push(type.read(reader)); // a copy for each would cost the square of their number
      return before;
    },
    write: (writer, values) => {
      for (const value of values) type.write(writer.tag(number, type.wireType), value);
    },
  };
}

function mapped<T>(number: number, type: Scalar<T>): Field<Readonly<Record<string, T>>> {
  const keyField = 1;
  const valueField = 2;
  return {
    number,
    initial: () => ({}),
    read: (reader, before) => {
      const entry = new BinaryReader(reader.bytes());
      let key = '';
      let value = type.empty;
      while (entry.pos < entry.len) {
        const [inner, wireType] = entry.tag();
        if (inner === keyField) key = entry.string();
        else if (inner === valueField) value = type.read(entry);
        else entry.skip(wireType, inner);
      }
      return Object.defineProperty(before, key, { value, enumerable: true, configurable: true, writable: true });
    },
    write: (writer, values) => {
      for (const [key, value] of Object.entries(values)) {
        writer.tag(number, WireType.LengthDelimited).fork().tag(keyField, WireType.LengthDelimited).string(key);
        type.write(writer.tag(valueField, type.wireType), value);
        writer.join();
      }
    },
  };
}

export const text = (number: number): Field<string> => single(number, stringType);
/** A name of a file, see {@link decodeName}. */
export const name = (number: number): Field<string> => single(number, nameType);
export const bytes = (number: number): Field<Uint8Array> => single(number, bytesType);
export const flag = (number: number): Field<boolean> => single(number, boolType);
/** `int32`, `uint32`, `int64` where the value stays below 2^53; also enums. */
export const integer = (number: number): Field<number> => single(number, integerType);
/** `int64` in full. */
export const bigInteger = (number: number): Field<bigint> => single(number, bigIntegerType);
export const texts = (number: number): Field<readonly string[]> => repeated(number, stringType);
export const manyBytes = (number: number): Field<readonly Uint8Array[]> => repeated(number, bytesType);
export const textMap = (number: number): Field<Readonly<Record<string, string>>> => mapped(number, stringType);
export const bytesMap = (number: number): Field<Readonly<Record<string, Uint8Array>>> => mapped(number, bytesType);

/** A message inside a message; undefined where the wire has none. */
export function one<T>(number: number, inner: Message<T>): Field<Partial<T> | undefined> {
  const type = messageType(inner);
  return {
    number,
    initial: () => undefined,
    read: (reader) => type.read(reader),
    write: (writer, value) => {
      if (value !== undefined) type.write(writer.tag(number, type.wireType), value);
    },
  };
}

export function many<T>(number: number, inner: Message<T>): Field<readonly Partial<T>[]> {
  return repeated(number, messageType(inner));
}

export function messageMap<T>(number: number, inner: Message<T>): Field<Readonly<Record<string, Partial<T>>>> {
  return mapped(number, messageType(inner));
}
