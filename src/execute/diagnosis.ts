import { constants } from 'node:os';
import type { ContainerInspect, HealthState } from '../api/container.js';
import type { CrashLoop, LostRun } from '../api/tscompose.js';
import { exitsText, lostText } from './told.js';

/** What an engine and a container say of a failure; all a diagnosis rests on. */
export interface Evidence {
  readonly container: ContainerInspect;
  /** Signals that clients had the engine send while it ran. */
  readonly requestedSignals: readonly string[];
  /** Of its log, the latest last. */
  readonly lastLines?: readonly string[];
}

export type DiagnosisKind =
  | ('command-not-found' | 'not-executable' | 'unknown-user' | 'missing-mount' | 'missing-image')
  | ('port-taken' | 'start-refused')
  | (
      | 'out-of-memory'
      | 'signal'
      | 'exit-code'
      | 'lost'
      | 'unhealthy'
      | 'crash-loop'
      | 'starting'
      | 'waiting'
      | 'hook-failed'
      | 'not-started'
    );

/** What is wrong with one container, classified by facts. */
export interface Diagnosis {
  readonly kind: DiagnosisKind;
  /** Follows the name of the service. */
  readonly sentence: string;
  /** More facts, a line each. */
  readonly details: readonly string[];
  readonly hint: string | undefined;
  /** Attribute of the service to look at; empty: the service itself. */
  readonly field: readonly string[];
  /** To look at instead, where it is no attribute of the service: `['secrets', 'password', 'file']`. */
  readonly elsewhere?: readonly string[];
}

/** A secret or config that is a file of this machine. */
export interface FileUse {
  readonly kind: 'secret' | 'config';
  readonly name: string;
}

/** Undefined: nothing is wrong with it. A container that ended with code 0 has done its work. */
export function diagnose(service: string, evidence: Evidence): Diagnosis | undefined {
  const { container, requestedSignals } = evidence;
  const { State: state, Tscompose: told = {} } = container;
  if (told.StartWait !== undefined) return plain('waiting', told.StartWait.Reason, ['depends_on']);
  switch (state.Status) {
    case 'created':
      if (state.Error !== '') return diagnoseStart(service, state.Error);
      return plain('not-started', 'was created and not started');
    case 'restarting':
      return diagnoseRestarts(container, requestedSignals);
    case 'exited':
    case 'dead':
    case 'removing':
      if (told.LostRun !== undefined) return diagnoseLoss(service, told.LostRun);
      if (state.Error !== '' && state.ExitCode !== 0) return diagnoseStart(service, state.Error);
      if (state.ExitCode === 0) return undefined;
      return gaveUp(refusedProgram(evidence) ?? diagnoseEnd(container, requestedSignals), told.CrashLoop);
    case 'running':
    case 'paused':
      if (told.CrashLoop !== undefined) return diagnoseRestarts(container, requestedSignals);
      if (told.HookFailure !== undefined) return plain('hook-failed', `runs, but its ${told.HookFailure}`, hookField);
      return restartedFor(diagnoseHealth(service, container), told.UnhealthyRestarts);
  }
}

const hookField = ['post_start'];

/** Of a container between two runs, or in one of many short ones. */
function diagnoseRestarts(container: ContainerInspect, requested: readonly string[]): Diagnosis {
  const { RestartCount: restarts, State: state, Tscompose: told = {} } = container;
  const { CrashLoop: loop, UnhealthyRestarts, LostRun } = told;
  if (loop === undefined && UnhealthyRestarts !== undefined) {
    const sentence = `was unhealthy and is being restarted, for the ${ordinal(UnhealthyRestarts)} time`;
    return plain('unhealthy', sentence, ['healthcheck']);
  }
  if (LostRun !== undefined) {
    return plain('lost', `${lostText(LostRun)}, and is being started again`, ['restart']);
  }
  if (loop === undefined) {
    const end = diagnoseEnd(container, requested);
    const times = restarts === 1 ? 'once' : `${restarts} times`;
    return { ...end, kind: 'crash-loop', sentence: `keeps ending and was restarted ${times}: it ${end.sentence}` };
  }
  const end = diagnoseEnd({ ...container, State: { ...state, ExitCode: loop.ExitCode } }, requested);
  const details = end.kind === 'exit-code' ? end.details : [`it ${end.sentence}`, ...end.details];
  return { ...end, kind: 'crash-loop', sentence: `is in a crash loop: ${exitsText(loop)}`, details };
}

/** Of a run whose end nobody saw, and that no restart policy follows up. */
function diagnoseLoss(service: string, lost: LostRun): Diagnosis {
  const [after, before] = [lost.After, lost.Before].map((time) => `${time.slice(0, 19)}Z`);
  const hint = `tscompose up -d ${service} starts it; with restart: unless-stopped the engine does that itself`;
  return { ...plain('lost', `${lostText(lost)}, between ${after} and ${before}`, ['restart']), hint };
}

/** Its restart policy has had enough. */
function gaveUp(end: Diagnosis, loop: CrashLoop | undefined): Diagnosis {
  if (loop === undefined) return end;
  return { ...end, details: [...end.details, `its restart policy gave up after ${exitsText(loop)}`] };
}

function restartedFor(diagnosis: Diagnosis | undefined, unhealthyRestarts = 0): Diagnosis | undefined {
  if (diagnosis === undefined || unhealthyRestarts === 0) return diagnosis;
  const times = unhealthyRestarts === 1 ? 'once' : `${unhealthyRestarts} times in a row`;
  return { ...diagnosis, details: [...diagnosis.details, `was restarted ${times} because of that`] };
}

function ordinal(count: number): string {
  const rest = count % 100;
  const ending = rest > 10 && rest < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}

/**
 * Of a container that an engine could not create or start, from the engine's words.
 * @param useOf - what the service has a file of this machine for, where that is no mount in its own right
 */
export function diagnoseStart(
  service: string,
  message: string,
  useOf: (file: string) => FileUse | undefined = () => undefined,
): Diagnosis {
  const [, program] = /exec: "([^"]*)"/.exec(message) ?? [];
  if (program === 'docker-init') {
    const hint = 'install tini as docker-init beside dockerd, or leave init out';
    return {
      ...plain('command-not-found', 'cannot start: the engine has no docker-init, which init needs', ['init']),
      hint,
    };
  }
  if (message.includes('unable to apply apparmor profile')) {
    const hint = 'load it with apparmor_parser, or leave apparmor= out of security_opt';
    return { ...plain('start-refused', 'cannot start: its AppArmor profile is not loaded', ['security_opt']), hint };
  }
  const its = program === undefined ? 'its command' : `its command "${program}"`;
  if (/executable file not found|no such file or directory: unknown$|stat .*: no such file/.test(message)) {
    const hint = `tscompose run --rm --entrypoint sh ${service} looks around in the image`;
    return { ...plain('command-not-found', `cannot start: ${its} is not in the image`, ['command']), hint };
  }
  if (/exec: .*permission denied/.test(message)) {
    const hint = 'chmod +x it in the image, or name the interpreter: ["sh", "script"]';
    return { ...plain('not-executable', `cannot start: ${its} may not be executed`, ['command']), hint };
  }
  const [, mount] = /mount(?:ing)? [`"]([^`"]*)[`"] to .*not a directory/i.exec(message) ?? [];
  if (mount !== undefined) {
    const sentence = `cannot start: of its mount ${mount} and what it covers in the image one is a folder, the other a file`;
    const hint = 'an engine makes a folder of a source that is missing: remove it, and put the file there';
    return { ...plain('missing-mount', sentence, ['volumes']), hint };
  }
  const [, source] = /bind source path does not exist: (.*)$/m.exec(message) ?? [];
  if (source !== undefined) return missingFile(source, useOf(source));
  const [, what, name] = /unable to find (user|group) (.+): no matching entries/.exec(message) ?? [];
  if (name !== undefined) {
    const hint = `add it in the image, or give its number: ${what} names are those of the image's own /etc/${what === 'user' ? 'passwd' : 'group'}`;
    return { ...plain('unknown-user', `cannot start: its ${what} "${name}" is not in the image`, ['user']), hint };
  }
  if (/port .*(?:already in use|already allocated)|address already in use/.test(message)) {
    return plain('port-taken', `cannot start: ${message}`, ['ports']);
  }
  return plain('start-refused', `cannot start: ${message}`);
}

/** Of a service that was not created for want of something here. */
export function missingFile(path: string, use: FileUse | undefined): Diagnosis {
  if (use === undefined) {
    const hint = 'create it, or let it be created with bind.create_host_path: true';
    return { ...plain('missing-mount', `cannot be created: its mount ${path} does not exist`, ['volumes']), hint };
  }
  const { kind, name } = use;
  const sentence = `cannot be created: the file of its ${kind} "${name}" does not exist: ${path}`;
  const hint = `create it, or name another in ${kind}s.${name}.file`;
  return { ...plain('missing-mount', sentence, [`${kind}s`]), hint, elsewhere: [`${kind}s`, name, 'file'] };
}

/** Of a service that was not created; its image was not pulled, or could not be. */
export function missingImage(service: string, image: string): Diagnosis {
  const hint = `tscompose pull ${service} gets it, or says why not`;
  return { ...plain('missing-image', `has no container, and its image "${image}" is not there`, ['image']), hint };
}

/** The kernel would not run the program. The container had started by then, so that the OCI runtime could only log it. */
function refusedProgram({ lastLines = [] }: Evidence): Diagnosis | undefined {
  const said = /^exec (?:container process )?(?:\(.*\) )?`?([^`]+?)`?: (exec format error|no such file or directory)$/i;
  const [, program, reason] = said.exec(lastLines.at(-1) ?? '') ?? [];
  if (program === undefined || reason === undefined) return undefined;
  if (reason.toLowerCase() === 'exec format error') {
    const hint = 'set the platform of the service, or begin the script with #!/bin/sh';
    const sentence = `cannot start: its command "${program}" is for another processor, or a script without #!`;
    return { ...plain('not-executable', sentence, ['command']), hint };
  }
  const hint =
    'the first line of a script names it, and must not end as lines do on Windows; programs of another libc need its loader';
  const sentence = `cannot start: what its command "${program}" is to be run with is not in the image`;
  return { ...plain('command-not-found', sentence, ['command']), hint };
}

function diagnoseEnd(
  { State: state, HostConfig, Tscompose }: ContainerInspect,
  requested: readonly string[],
): Diagnosis {
  const code = state.ExitCode;
  if (state.OOMKilled) {
    const limit = HostConfig.Memory ?? 0;
    const peak = Tscompose?.MemoryPeak;
    const under = limit > 0 ? ` of ${bytesText(limit)}` : ' of the machine';
    return {
      ...plain('out-of-memory', `ran out of memory: the kernel killed it at the limit${under}`, ['mem_limit']),
      details: peak === undefined ? [] : [`the most it had was ${bytesText(peak)}`],
      hint: 'raise mem_limit (or deploy.resources.limits.memory), or make it use less',
    };
  }
  const signal = signalOf(code);
  if (signal !== undefined) {
    const sender = requested.includes(signal)
      ? 'a client of the engine asked for that'
      : 'no client of the engine asked for that: it came from inside, or from another process of this machine';
    return { ...plain('signal', `was ended by ${signal} (exit code ${code})`), details: [sender] };
  }
  if (code === 127) {
    return plain('command-not-found', 'exited with code 127: a program it calls is not in the image', ['command']);
  }
  if (code === 126) {
    return plain('not-executable', 'exited with code 126: a program it calls may not be executed', ['command']);
  }
  return plain('exit-code', `exited with code ${code}`, ['command']);
}

function diagnoseHealth(
  service: string,
  { State: { Health: health }, Config }: ContainerInspect,
): Diagnosis | undefined {
  if (health === undefined) return undefined;
  const missing = programMissing(health);
  const hint = missing === undefined ? probeHint(service, Config.Healthcheck?.Test) : programFreeHint;
  const more = { details: probesOf(health), hint };
  const why = missing === undefined ? '' : `: its probe calls "${missing}", which is not in the image`;
  switch (health.Status) {
    case 'unhealthy':
      return { ...plain('unhealthy', `is unhealthy${why}`, ['healthcheck']), ...more };
    case 'starting':
      return { ...plain('starting', `is not healthy yet${why}`, ['healthcheck']), ...more };
    default:
      return undefined;
  }
}

/** Results of the last probes, the latest last; the same result in a row once. */
export function probesOf({ Log }: { readonly Log: HealthState['Log'] | null }): string[] {
  const results = (Log ?? []).slice(-3).map(({ ExitCode, Output }) => {
    const said = Output.trim()
      .split(/\s*\n\s*/)
      .slice(-2)
      .join(' / '); // what went wrong comes last
    return ExitCode < 0 ? said : `exit code ${ExitCode}${said === '' ? ', no output' : `: ${said}`}`;
  });
  const times = (at: number): number => results.slice(at).findIndex((result) => result !== results[at]);
  return results.flatMap((result, at) => {
    if (results[at - 1] === result) return [];
    const count = times(at) < 0 ? results.length - at : times(at);
    return [`probe: ${result}${count > 1 ? ` (${count} times)` : ''}`];
  });
}

const programFreeHint =
  'put it into the image; on the embedded engine ["HTTP", "GET :PORT/path"] and ["TCP", ":PORT"] need no program there';

/** What the last probe could not find, from what an OCI runtime or a shell says of it. */
function programMissing({ Log }: { readonly Log: HealthState['Log'] | null }): string | undefined {
  const last = Log?.at(-1);
  if (last === undefined || last.ExitCode === 0) return undefined;
  const [, byRuntime] = /exec: "([^"]+)": executable file not found/.exec(last.Output) ?? [];
  const [, byShell] = /^\S*sh: (?:line )?(?:\d+: )?([^\s:]+): (?:command )?not found$/m.exec(last.Output.trim()) ?? [];
  return byRuntime ?? byShell;
}

/** How to run what the engine runs; nothing to say of probes that are no commands. */
function probeHint(service: string, test: readonly string[] | null | undefined): string | undefined {
  const [kind, ...words] = test ?? [];
  const command = kind === 'CMD-SHELL' ? ['sh', '-c', ...words] : kind === 'CMD' ? words : [];
  if (command.length === 0) return undefined;
  return `tscompose exec ${[service, ...command].map(shellWord).join(' ')} tries the probe by hand`;
}

function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function plain(kind: DiagnosisKind, sentence: string, field: readonly string[] = []): Diagnosis {
  return { kind, sentence, details: [], hint: undefined, field };
}

/** Shells and engines report a death by signal N as 128 + N. */
function signalOf(exitCode: number): string | undefined {
  const entry = Object.entries(constants.signals).find(([, number]) => number + 128 === exitCode);
  return entry?.[0];
}

function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power] ?? ''}`;
}
