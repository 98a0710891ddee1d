import { hasCode, TscomposeError } from '../base/errors.js';
import { runProgram, runTool } from '../base/spawn.js';
import type { Project } from '../compose/index.js';
import type { OperationOf, ProvidedVariable } from '../plan/index.js';
import { OutputTail } from './output-tail.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** A provider, or docker's model runner, did not do what it was asked for. */
    'execute/provider-failed': { readonly type: string; readonly exitCode: number | undefined };
  }
}

/** Programs of providers see the variables of the project, and start in its folder. */
export type ProviderSurroundings = Pick<Project, 'environment' | 'workingDir'>;

export interface ProviderRunOptions {
  readonly surroundings: ProviderSurroundings;
  readonly signal: AbortSignal;
  /** What it says of its progress; `debug` is for those who look for a fault. */
  readonly onMessage: (kind: 'info' | 'debug', text: string) => void;
  /** Gets what it complains of beside its messages. */
  readonly complaints: OutputTail;
}

/** After Ctrl-C: time to clear up in. */
const graceMs = 10_000;

/**
 * Calls the program of a provider and reads the messages it writes, a JSON object a line.
 * @returns the variables it set
 * @throws `execute/provider-failed` when it reports an error, ends with another code than 0 or writes anything else
 */
export async function runProvider(
  { type, program, args }: OperationOf<'provider.run'>,
  { surroundings, signal, onMessage, complaints }: ProviderRunOptions,
): Promise<ProvidedVariable[]> {
  const variables = new Map<string, ProvidedVariable>();
  const failed = new AbortController();
  let failure: string | undefined;
  const fail = (message: string): void => {
    failure ??= message;
    failed.abort();
  };
  const take = (line: string): void => {
    if (line.trim() === '' || failure !== undefined) return;
    const message = messageOf(line);
    switch (message?.type) {
      case 'info':
      case 'debug':
        onMessage(message.type, message.text);
        return;
      case 'error':
        fail(message.text);
        return;
      case 'setenv':
      case 'rawsetenv': {
        const variable = variableOf(message.text, message.type === 'rawsetenv');
        if (variable === undefined) fail(`it sets a variable without a value: ${message.text}`);
        else variables.set(`${message.type} ${variable.name}`, variable);
        return;
      }
      default:
        fail(`it wrote what is no message of a provider: ${line.trim().slice(0, 200)}`);
    }
  };
  const lines = new OutputTail(0);
  const { exitCode, problem } = await runProgram(program, args, {
    cwd: surroundings.workingDir,
    env: { ...surroundings.environment, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: undefined },
    signal: AbortSignal.any([signal, failed.signal]),
    graceMs,
    onStdout: (text) => {
      lines.push(text).forEach(take);
    },
    onStderr: (text) => {
      complaints.push(text);
    },
  });
  signal.throwIfAborted();
  lines.end().forEach(take);
  if (failure === undefined && exitCode === 0) return [...variables.values()];
  const said = failure ?? problem ?? `it ended with exit code ${exitCode}`;
  throw providerFailed(type, failure === undefined ? exitCode : undefined, said);
}

type MessageType = 'info' | 'error' | 'debug' | 'setenv' | 'rawsetenv';

const messageTypes: readonly string[] = ['info', 'error', 'debug', 'setenv', 'rawsetenv'] satisfies MessageType[];

function messageOf(line: string): { readonly type: MessageType; readonly text: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  const { type } = value;
  if (typeof type !== 'string' || !messageTypes.includes(type)) return undefined;
  const text = 'message' in value && typeof value.message === 'string' ? value.message : '';
  return { type: type as MessageType, text };
}

function variableOf(text: string, raw: boolean): ProvidedVariable | undefined {
  const equals = text.indexOf('=');
  return equals < 1 ? undefined : { name: text.slice(0, equals), value: text.slice(equals + 1), raw };
}

/**
 * Has docker's model runner pull a model that it has not got, and configure it.
 * @returns where models answer
 * @throws `execute/provider-failed`
 */
export async function provideModel(
  { model, program, contextSize, runtimeFlags }: OperationOf<'model.provide'>,
  { workingDir: cwd, environment }: ProviderSurroundings,
  signal: AbortSignal,
  onPull: () => void,
): Promise<string> {
  const env = { ...environment, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: undefined };
  const ask = async (args: readonly string[], timeoutMs = 0): Promise<string> => {
    try {
      return (await runTool(program, args, { signal, timeoutMs, cwd, env })).stdout;
    } catch (error) {
      if (!hasCode(error, 'tool/failed')) throw error;
      const { exitCode, stderr } = error.facts;
      throw providerFailed('model', exitCode, `${args.join(' ')}: ${stderr.trim() || `exit code ${String(exitCode)}`}`);
    }
  };
  if (!tagsOf(await ask(['ls', '--json'])).includes(model)) {
    onPull();
    await ask(['pull', model]);
  }
  const size = contextSize > 0 ? ['--context-size', String(contextSize)] : [];
  await ask(['configure', ...size, model, ...(runtimeFlags.length === 0 ? [] : ['--', ...runtimeFlags])]);
  const status: unknown = parsed(await ask(['status', '--json']));
  if (typeof status === 'object' && status !== null && 'endpoint' in status && typeof status.endpoint === 'string')
    return status.endpoint;
  throw providerFailed('model', undefined, 'status --json: does not say where models answer');
}

function tagsOf(list: string): string[] {
  const models: unknown = parsed(list);
  if (!Array.isArray(models)) return [];
  return models.flatMap((model: unknown) => {
    const tags: unknown = typeof model === 'object' && model !== null && 'tags' in model ? model.tags : [];
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function providerFailed(
  type: string,
  exitCode: number | undefined,
  message: string,
): TscomposeError<'execute/provider-failed'> {
  return new TscomposeError({ code: 'execute/provider-failed', message, facts: { type, exitCode } });
}
