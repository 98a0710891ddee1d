/** Names that need no ARG, for the way to the network (Dockerfile reference, "Predefined ARGs"). */
const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/** The build arguments in force at one place of the Dockerfile. Immutable. */
export interface ArgScope {
  /** What is declared here, with its value where it has one, in order. */
  readonly declared: ReadonlyMap<string, string | undefined>;
  /** What the person building gave. */
  readonly given: Readonly<Record<string, string | null>>;
}

export function emptyScope(given: ArgScope['given']): ArgScope {
  return { declared: new Map(), given };
}

/**
 * ARG: the given value, else the default here, else what the name stands for before the first FROM, else what it stands
 * for already: here or in the stage that this one starts from.
 * @param inherited - the value from outside the stage
 */
export function declareArg(
  scope: ArgScope,
  name: string,
  defaultValue: string | undefined,
  inherited: string | undefined,
): ArgScope {
  const value = scope.given[name] ?? defaultValue ?? inherited ?? scope.declared.get(name);
  return { ...scope, declared: new Map(scope.declared).set(name, value) };
}

/** The value of an argument for expansion; a proxy variable counts as declared. */
export function argValue(scope: ArgScope, name: string): string | undefined {
  if (scope.declared.has(name)) return scope.declared.get(name);
  return proxyNames.includes(name) ? (scope.given[name] ?? undefined) : undefined;
}

/** Arguments with a value that RUN sees and its cache key covers, by name. Those of `env` win over them. */
export function visibleArgs(scope: ArgScope, env: ReadonlyMap<string, string>): [name: string, value: string][] {
  return [...scope.declared]
    .flatMap(([name, value]): [string, string][] => (value === undefined || env.has(name) ? [] : [[name, value]]))
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Proxy variables that were given and not declared: RUN sees them, key and history do not. */
export function hiddenArgs(scope: ArgScope, env: ReadonlyMap<string, string>): [name: string, value: string][] {
  return proxyNames.flatMap((name): [string, string][] => {
    const value = scope.given[name];
    return value == null || scope.declared.has(name) || env.has(name) ? [] : [[name, value]];
  });
}
