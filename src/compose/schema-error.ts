/** What a compiled validator reports; the parts of ajv's error object that are used. */
export interface SchemaError {
  /** JSON pointer into the data. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Validator {
  (data: unknown): boolean;
  errors?: SchemaError[] | null;
}

/** Fixed keys of mappings, by validator and by place such as `services.*.ports.*`. */
export type KnownKeys = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Steps of a JSON pointer; a number where the data has a list. */
export function pointerSteps(pointer: string): readonly string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * Errors of all alternatives of an `anyOf` become those of the alternative the author meant: the one whose type fits.
 * Where no type fits, one error remains, at the value itself, with all types that would do.
 */
export function settleAlternatives(errors: readonly SchemaError[]): readonly SchemaError[] {
  const settled: SchemaError[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf') {
      settled.push(error);
      continue;
    }
    // The errors of the alternatives stand right before the one of the whole.
    const branches: SchemaError[] = [];
    for (let last = settled.at(-1); last !== undefined && isWithin(last, error); last = settled.at(-1)) {
      branches.unshift(last);
      settled.pop();
    }
    const typeErrors = branches.filter((branch) => isTypeError(branch) && branch.instancePath === error.instancePath);
    const deeper = branches.filter((branch) => !typeErrors.includes(branch));
    if (deeper.length > 0) settled.push(...deeper);
    else settled.push({ ...error, keyword: 'type', params: { type: typeErrors.flatMap(typesOf) } });
  }
  return settled;
}

export function typesOf(error: SchemaError): readonly string[] {
  const { type } = error.params;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((one) => typeof one === 'string') : [];
}

function isTypeError(error: SchemaError): boolean {
  return error.keyword === 'type';
}

function isWithin(inner: SchemaError, outer: SchemaError): boolean {
  return inner.instancePath === outer.instancePath || inner.instancePath.startsWith(`${outer.instancePath}/`);
}
