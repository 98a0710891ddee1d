import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { hasCode } from '../../base/errors.js';
import { runTool } from '../../base/spawn.js';
import type { EnginePaths } from '../engine/paths.js';
import type { Check, Finding, Machine, ToolAnswer } from './check.js';
import { checkOtherFirewalls } from './firewall-checks.js';
import * as kernel from './kernel-checks.js';
import * as storage from './storage-checks.js';
import { checkRuntime, toolChecks } from './tool-checks.js';

/** In the order of the report: the machine, then storage, then programs. */
const checks: readonly Check[] = [
  kernel.checkNode,
  kernel.checkKernel,
  kernel.checkRoot,
  kernel.checkNamespaces,
  kernel.checkUnshare,
  kernel.checkCgroups,
  kernel.checkSeccomp,
  kernel.checkApparmor,
  kernel.checkLinks,
  kernel.checkFirewall,
  checkOtherFirewalls,
  kernel.checkForwarding,
  storage.checkOverlay,
  storage.checkDataRoot,
  storage.checkRuntimeDir,
  checkRuntime,
  ...toolChecks,
];

/** Looks at everything at once; changes nothing that outlives the look. */
export async function examine(machine: Machine): Promise<readonly Finding[]> {
  return await Promise.all(checks.map(async (check) => await check(machine)));
}

/** @param searchPath - `PATH` */
export function thisMachine(paths: EnginePaths, searchPath: string, signal: AbortSignal): Machine {
  setMaxListeners(0, signal); // one signal for all tools at once
  return {
    dataRoot: paths.dataRoot,
    runtimeDir: paths.runtimeDir,
    isRoot: process.geteuid?.() === 0,
    run: (tool, args, input) => ask(searchPath, tool, args, input, signal),
    read: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined; // absent and unreadable mean the same to every check
      }
    },
  };
}

const timeoutMs = 10_000;

/** Finds what sits in sbin too, which users' search paths often lack. */
async function ask(
  searchPath: string,
  tool: string,
  args: readonly string[],
  input: string | undefined,
  signal: AbortSignal,
): Promise<ToolAnswer> {
  const env = { PATH: `${searchPath}:/usr/local/sbin:/usr/sbin:/sbin` };
  try {
    const { stdout, stderr } = await runTool(tool, args, {
      signal,
      timeoutMs,
      env,
      ...(input === undefined ? {} : { input }),
    });
    return { kind: 'done', output: stdout.trim() || stderr };
  } catch (error) {
    if (hasCode(error, 'tool/missing')) return { kind: 'absent' };
    if (hasCode(error, 'tool/failed')) return { kind: 'failed', output: error.facts.stderr || error.message };
    throw error;
  }
}
