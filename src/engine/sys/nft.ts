import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callFailed } from './call-failed.js';
import { native, type Nftables } from './native.js';
import { canEnterNamespaces, inNetworkNamespace, type NetworkNamespace } from './network-namespace.js';
import { runToolSync } from './tool.js';

const NFT_CTX_OUTPUT_JSON = 1 << 4;
const maxAttempts = 50;

/**
 * libnftables waits with select(2), and glibc aborts the whole process for a descriptor from FD_SETSIZE on. Some below
 * it are left for what other threads open meanwhile.
 */
const firstUnsafeFd = 1024 - 64;

/**
 * Applies an nft(8) script as one transaction, all or nothing, in `namespace` or in this process's own.
 * In-process through libnftables (0.3 ms), else by `nft -f` (7 ms).
 * @throws `sys/call-failed` with the line that nft rejects
 */
export function nftApply(script: string, namespace?: NetworkNamespace): void {
  run(script, namespace, 'plain');
}

/** The answer to a listing such as `list table ip x` in libnftables-json(5)'s form. @throws `sys/call-failed` */
export function nftListJson(command: string, namespace?: NetworkNamespace): unknown {
  return JSON.parse(run(command, namespace, 'json'));
}

function run(script: string, namespace: NetworkNamespace | undefined, output: 'plain' | 'json'): string {
  const library = native()?.nftables;
  if (library === undefined || nextFd() >= firstUnsafeFd || (namespace !== undefined && !canEnterNamespaces())) {
    return runByTool(script, namespace, output);
  }
  // A context's netlink socket belongs to the namespace it was made in, so a foreign one cannot be kept.
  if (namespace !== undefined) return inNetworkNamespace(namespace, () => runOnce(library, script, output));
  return runOnce(library, script, output);
}

/** The number that the next descriptor gets: the lowest that is free. */
function nextFd(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

function runOnce(library: Nftables, script: string, output: 'plain' | 'json'): string {
  const context = library.nft_ctx_new(0);
  try {
    library.nft_ctx_buffer_output(context);
    library.nft_ctx_buffer_error(context);
    if (output === 'json') library.nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_JSON);
    let said = '';
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      if (library.nft_run_cmd_from_buffer(context, script) === 0) return library.nft_ctx_get_output_buffer(context);
      said = library.nft_ctx_get_error_buffer(context).trim();
      // A signal (a child that ended) makes the kernel give the whole transaction up, with nothing done.
      if (!said.includes('Interrupted system call')) break;
    }
    throw callFailed('nft', [script.slice(0, 200)], errnoIn(said), said.slice(0, 2_000));
  } finally {
    library.nft_ctx_free(context);
  }
}

function errnoIn(text: string): string {
  if (text.includes('No such file or directory')) return 'ENOENT';
  if (text.includes('File exists')) return 'EEXIST';
  if (text.includes('Operation not permitted')) return 'EPERM';
  return 'EINVAL';
}

function runByTool(script: string, namespace: NetworkNamespace | undefined, output: 'plain' | 'json'): string {
  const inside = namespace === undefined ? [] : [`--net=${namespace.procPath}`, '--', 'nft'];
  const nft = (...args: readonly string[]): string =>
    runToolSync(namespace === undefined ? 'nft' : 'nsenter', [...inside, ...args]).toString();
  if (output === 'json') return nft('--json', script);
  // Not on stdin: nft opens that a second time to quote the line it rejects, and a socket cannot be opened.
  const file = join(tmpdir(), `tscompose-${randomUUID()}.nft`);
  writeFileSync(file, script, { mode: 0o600, flag: 'wx' });
  try {
    return nft('-f', file);
  } finally {
    rmSync(file, { force: true });
  }
}
