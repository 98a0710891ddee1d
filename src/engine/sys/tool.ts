import { spawnSync } from 'node:child_process';
import { TscomposeError } from '../../base/errors.js';
import { callFailed } from './call-failed.js';

export interface ToolInput {
  readonly input?: string;
  /** Handed to the tool as fd 3. */
  readonly fd?: number;
}

/**
 * Runs a short ordinary tool to its end, blocking: the spare path of calls that are synchronous.
 * @returns its standard output
 * @throws `tool/missing`; `sys/call-failed` with the tool's last words and the errno they name
 */
export function runToolSync(tool: string, args: readonly string[], { input, fd }: ToolInput = {}): Buffer {
  const result = spawnSync(tool, args, {
    input: input ?? '',
    stdio: ['pipe', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
    env: { ...process.env, LC_ALL: 'C' },
    timeout: 30_000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 << 20,
  });
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT') {
    throw new TscomposeError({ code: 'tool/missing', message: `cannot find the program ${tool}`, facts: { tool } });
  }
  if (result.error !== undefined) throw callFailed(tool, args, 'EIO', result.error.message);
  if (result.status === 0) return result.stdout;
  const said = result.stderr.toString().trim() || result.stdout.toString().trim();
  throw callFailed(tool, args, errnoIn(said), said.slice(-2_000));
}

/** strerror(3) in the C locale, for the failures that callers tell apart. */
const phrases: readonly (readonly [string, string])[] = [
  ['No such file or directory', 'ENOENT'],
  ['does not exist', 'ENOENT'],
  ['No such device', 'ENODEV'],
  ['Cannot find device', 'ENODEV'],
  ['No such attribute', 'ENODATA'],
  ['File exists', 'EEXIST'],
  ['already exists', 'EEXIST'],
  ['busy', 'EBUSY'],
  ['not mounted', 'EINVAL'],
  ['no mount point specified', 'EINVAL'],
  ['not permitted', 'EPERM'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['not supported', 'ENOTSUP'],
  ['Address already in use', 'EADDRINUSE'],
  ['Invalid argument', 'EINVAL'],
];

function errnoIn(text: string): string {
  return phrases.find(([phrase]) => text.includes(phrase))?.[1] ?? 'EIO';
}
