import { cacheFields, cacheTest, type CacheUsage, type PruneChoice } from '../../builder/index.js';
import { grpcCode, GrpcFailure } from '../grpc/failure.js';

export interface PruneRequest {
  readonly filter: readonly string[];
  readonly all: boolean;
  /** Nanoseconds; what was used since stays. */
  readonly keepDuration: number;
  readonly keepBytes: number;
}

/** @throws GrpcFailure */
export function pruneChoiceOf({ filter, all, keepDuration, keepBytes }: PruneRequest, nowMs: number): PruneChoice {
  const matches = cacheFilter(filter);
  const beforeMs = nowMs - keepDuration / 1e6;
  const isOld = ({ lastUsedAt }: CacheUsage) => keepDuration === 0 || Date.parse(lastUsedAt) < beforeMs;
  return {
    ...(all ? {} : { keepShared: true }),
    ...(matches === undefined && keepDuration === 0
      ? {}
      : { matches: (entry) => isOld(entry) && (matches?.(entry) ?? true) }),
    ...(keepBytes > 0 ? { keepBytes } : {}),
  };
}

/** One selector: a field, and what of it is asked (containerd, "filters"). */
const selector = /([\w.-]+)(?:(==|!=|~=)("(?:[^"\\]|\\.)*"|[^,]*))?(?:,|$)/y;

/**
 * Records for which all selectors of any of the filters hold; undefined where none is given.
 * @throws GrpcFailure for one that cannot be read
 */
export function cacheFilter(filters: readonly string[]): ((entry: CacheUsage) => boolean) | undefined {
  if (filters.length === 0) return undefined;
  const alternatives = filters.map((filter) => {
    const tests: ((entry: CacheUsage) => boolean)[] = [];
    for (selector.lastIndex = 0; tests.length === 0 || selector.lastIndex < filter.length;)
      tests.push(testOf(filter, selector.exec(filter)));
    return (entry: CacheUsage) => tests.every((holds) => holds(entry));
  });
  return (entry) => alternatives.some((matches) => matches(entry));
}

function testOf(filter: string, found: RegExpExecArray | null): (entry: CacheUsage) => boolean {
  const [, field = '', operator = '', value = ''] = found ?? [];
  if (!(field in cacheFields)) throw invalid(filter, `there is no field ${JSON.stringify(field)}`);
  try {
    const text = value.startsWith('"') ? String(JSON.parse(value)) : value;
    return cacheTest(field, operator as '' | '==' | '!=' | '~=', text);
  } catch {
    throw invalid(filter, `${value} is no pattern`);
  }
}

function invalid(filter: string, problem: string): GrpcFailure {
  return new GrpcFailure(grpcCode.invalidArgument, `failed to parse prune filters [${filter}]: ${problem}`);
}
