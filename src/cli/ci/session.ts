import { setTimeout } from 'node:timers/promises';
import { hasCode, isFailure, messageOf, TscomposeError } from '../../base/errors.js';
import { runProgram } from '../../base/spawn.js';
import type { EngineClient } from '../../client/index.js';
import type { Project } from '../../compose/index.js';
import { followLogs, noteFirstProbes, observe, postMortem, Timeline, type Finding } from '../../execute/index.js';
import { planDown } from '../../plan/index.js';
import { projectContainers } from '../containers.js';
import type { CliContext } from '../context.js';
import { exitCodes } from '../interrupts.js';
import { errorText } from '../report-error.js';
import { findingError } from '../render/finding.js';
import { runPlan, runUp, type Work } from '../run-plan.js';
import { writeArtifacts } from './artifacts.js';
import type { CiHost } from './ci-host.js';
import { ciExitCodes } from './exit-codes.js';
import type { CiCase } from './junit.js';
import { relativeFile } from './places.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/ci-timeout': { readonly seconds: number };
    'cli/no-tests': { readonly service: string };
    'cli/tests-failed': { readonly exitCode: number };
  }
}

export interface CiWishes {
  readonly client: EngineClient;
  readonly project: Project;
  readonly host: CiHost;
  /** Service whose end decides; excludes `command`. */
  readonly test: string | undefined;
  /** Program and arguments, run on this machine; empty: none. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly artifacts: string | undefined;
  /** Everything up to the end of the tests; undefined: no limit. */
  readonly timeoutS: number | undefined;
  /** Attempts at pulling. */
  readonly attempts: number;
  readonly keep: boolean;
}

/** Seconds before the second attempt at a pull; each further one waits twice as long. */
const firstPauseS = 2;
/** A test program has this long between SIGTERM and SIGKILL. */
const graceMs = 5_000;

/**
 * Pulls, builds, starts, waits, tests, gathers and takes down again, whatever happened before. The reports are written
 * and the project is gone also after Ctrl-C, SIGTERM or the end of the time.
 */
export class CiSession {
  readonly #context: CliContext;
  readonly #wishes: CiWishes;
  readonly #cases: CiCase[] = [];
  readonly #timeline = new Timeline();
  #findings: readonly Finding[] = [];

  constructor(context: CliContext, wishes: CiWishes) {
    this.#context = context;
    this.#wishes = wishes;
  }

  /** A dry run prints what would come up, and runs no tests. @returns the exit code; see `ciExitCodes` */
  async run(): Promise<number> {
    const { keep, timeoutS, artifacts } = this.#wishes;
    const signal = withDeadline(this.#context.signal, timeoutS);
    if (this.#context.dryRun) {
      await this.#start({ build: 'always', removeOrphans: true, wait: 'or-done' }, signal);
      return exitCodes.success;
    }
    const patience = this.#ignoreOneMore();
    let code: number;
    try {
      code = await this.#upToTests(signal);
    } catch (error) {
      code = this.#failed(error, signal);
    }
    const { signal: whole } = new AbortController(); // nothing ends what comes now but a second Ctrl-C
    const afterwards = async (title: string, failed: number, work: () => Promise<void>): Promise<void> => {
      try {
        await this.#group(title, work);
      } catch (error) {
        this.#tell(error);
        if (code === 0) code = failed;
      }
    };
    if (artifacts !== undefined) {
      const { project, client } = this.#wishes;
      const record = { project: project.name, cases: this.#cases, findings: this.#findings, timeline: this.#timeline };
      await afterwards('reports', exitCodes.failure, async () => {
        await noteFirstProbes(client, project, this.#timeline, whole).catch(() => undefined); // reports do without
        await writeArtifacts(artifacts, record, client, whole);
      });
    }
    if (!keep) await afterwards('take down', ciExitCodes.down, () => this.#takeDown(whole));
    patience();
    return code;
  }

  async #upToTests(signal: AbortSignal): Promise<number> {
    const { project, test, command } = this.#wishes;
    const services = Object.keys(project.model.services).filter((name) => name !== test);
    await this.#stage('images', ciExitCodes.images, signal, async () => {
      await this.#create(signal);
      return 0;
    });
    await this.#stage('start', ciExitCodes.start, signal, async () => {
      if (services.length > 0) await this.#start({ services, wait: 'or-done' }, signal);
      return 0;
    });
    if (test === undefined && command.length === 0) return 0;
    return await this.#stage('tests', ciExitCodes.start, signal, async () => {
      return test === undefined ? await this.#runCommand(signal) : await this.#runService(test, signal);
    });
  }

  /** Nothing is created before every image is there. A pull that fails is tried again. */
  async #create(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#start({ build: 'always', noStart: true, removeOrphans: true }, signal);
        return;
      } catch (error) {
        const isPull = hasCode(error, 'execute/operation-failed') && error.facts.operation === 'image.pull';
        if (!isPull || attempt >= this.#wishes.attempts) throw error;
        const pauseS = firstPauseS * 2 ** (attempt - 1);
        this.#context.warn(`warning: ${messageOf(error)}; trying again in ${pauseS} s`);
        await setTimeout(pauseS * 1_000, undefined, { signal });
      }
    }
  }

  async #start(options: Parameters<typeof runUp>[2], signal: AbortSignal): Promise<void> {
    const progress = await this.#context.progress('up');
    await runUp(this.#context, { ...this.#work(signal), progress, timeline: this.#timeline }, options);
    await progress.end();
  }

  #work(signal: AbortSignal): Omit<Work, 'progress'> & { readonly project: Project } {
    const { client, project } = this.#wishes;
    return { client, project, signal };
  }

  /** Its output is ours, and its exit code. */
  async #runService(service: string, signal: AbortSignal): Promise<number> {
    const { client, project } = this.#wishes;
    const { stdout } = this.#context.terminal;
    const query = { stopped: true, oneOffs: false, services: [service] };
    const containers = await projectContainers(client, project.name, query, signal);
    if (containers.length === 0) {
      const message = `service "${service}" is scaled to 0 containers: there are no tests`;
      throw new TscomposeError({ code: 'cli/no-tests', message, facts: { service } });
    }
    const unseen = new Set(containers.map(({ Id }) => Id));
    const follower = followLogs({
      ...{ client, project: project.name, services: [service], history: 'none', signal },
      onEvent: (event) => {
        if (event.kind === 'line') stdout.write(`${event.text}\n`);
        if (event.kind !== 'attached') return;
        unseen.delete(event.source.id);
        if (unseen.size === 0) follower.untilIdle(); // not before: it may be over by the time its start is told
      },
    });
    await follower.opened;
    await this.#start({ services: [service] }, signal);
    const codes = await Promise.all(
      containers.map(
        async ({ Id }) => (await client.containers.wait(Id, { condition: 'not-running' }, signal)).StatusCode,
      ),
    );
    await follower.ended;
    return Math.max(0, ...codes);
  }

  /** With the project's name and the engine's socket in its environment. */
  async #runCommand(signal: AbortSignal): Promise<number> {
    const { client, project, command } = this.#wishes;
    const [program = '', ...args] = command;
    const { cwd } = this.#context.terminal;
    const env = { COMPOSE_PROJECT_NAME: project.name, DOCKER_HOST: client.host };
    const { exitCode, problem } = await runProgram(program, args, { cwd, env, signal, graceMs });
    signal.throwIfAborted();
    if (problem !== undefined) this.#context.warn(problem);
    return exitCode;
  }

  async #takeDown(signal: AbortSignal): Promise<void> {
    const { client, project } = this.#wishes;
    const observed = await observe(client, project, signal, { providers: true });
    const down = planDown(observed, project, { projectName: project.name, volumes: true, removeOrphans: true });
    const progress = await this.#context.progress('down');
    await runPlan(this.#context, { ...this.#work(signal), progress }, down);
    await progress.end();
  }

  /** A group of output, and a case of the report. `code`: how the run ends when it fails. */
  async #stage(name: string, code: number, signal: AbortSignal, work: () => Promise<number>): Promise<number> {
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1_000;
    try {
      const result = await this.#group(name, work);
      if (result === 0) this.#cases.push({ name, seconds: seconds(), failure: undefined });
      else await this.#testsFailed(name, seconds(), result);
      return result;
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      this.#cases.push({ name, seconds: seconds(), failure: { message: firstLine(reason), text: messageOf(reason) } });
      await this.#examine();
      this.#reportServices();
      throw new StageFailure(reason, code);
    }
  }

  /** What they wrote is on the screen, so that one line does; the report has their last words. */
  async #testsFailed(name: string, seconds: number, exitCode: number): Promise<void> {
    const { project, test } = this.#wishes;
    const failure = new TscomposeError({
      code: 'cli/tests-failed',
      message: `the tests ended with exit code ${exitCode}`,
      facts: { exitCode },
      at: test === undefined ? undefined : project.locate(['services', test]),
    });
    await this.#examine();
    const own = this.#findings.find(({ service }) => service === test);
    const text = own === undefined ? failure.message : findingError(own).message;
    this.#cases.push({ name, seconds, failure: { message: failure.message, text } });
    this.#reportServices();
    this.#tell(failure);
  }

  /** What is wrong with each service, as far as the engine knows. */
  async #examine(): Promise<void> {
    const { client, project } = this.#wishes;
    const { signal } = new AbortController();
    this.#findings = await postMortem(client, project, [], signal).catch(() => []); // the failure itself is told anyway
  }

  /** A case for each, but for the tests, which have theirs. */
  #reportServices(): void {
    for (const finding of this.#causes()) {
      if (finding.service === this.#wishes.test) continue;
      const error = findingError(finding);
      this.#cases.push({
        ...{ name: `service ${finding.service}`, seconds: 0 },
        failure: { message: firstLine(error), text: error.message },
      });
    }
  }

  /** Without those that only suffer from another one. */
  #causes(): readonly Finding[] {
    return this.#findings.filter(({ diagnosis }) => diagnosis.kind !== 'not-started');
  }

  async #group<T>(title: string, work: () => Promise<T>): Promise<T> {
    const { host } = this.#wishes;
    host.beginGroup(title);
    try {
      return await work();
    } finally {
      host.endGroup();
    }
  }

  #failed(error: unknown, signal: AbortSignal): number {
    if (!(error instanceof StageFailure)) throw error;
    this.#tell(error.reason);
    if (hasCode(error.reason, 'cli/ci-timeout')) return ciExitCodes.timeout;
    return signal.aborted ? ciExitCodes.interrupted : error.code;
  }

  /** On the screen, and beside the lines of files where that can be seen. */
  #tell(error: unknown): void {
    const { terminal } = this.#context;
    const { host } = this.#wishes;
    const failure = isFailure(error) ? error : undefined;
    if (failure === undefined) terminal.stderr.write(`${messageOf(error)}\n`);
    else terminal.stderr.write(`${errorText(failure, terminal.stderr, terminal)}\n`);
    const causes = this.#causes();
    if (hasCode(error, 'cli/ci-timeout') || hasCode(error, 'cli/tests-failed')) {
      // Neither says what is wrong with the services; the tests have spoken for themselves.
      for (const cause of causes.filter(({ service }) => service !== this.#wishes.test)) {
        terminal.stderr.write(`${errorText(findingError(cause), terminal.stderr, terminal)}\n`);
      }
    }
    for (const one of causes.length > 0 ? causes.map(findingError) : failure === undefined ? [] : [failure]) {
      host.annotate(one, relativeFile(terminal, one.at));
    }
  }

  /** CI systems send a second signal a few seconds after the first one, and want the project gone nevertheless. */
  #ignoreOneMore(): () => void {
    const { interrupts, warn } = this.#context;
    let left = 1;
    return interrupts.handle((name) => {
      if (!this.#context.signal.aborted || left-- <= 0) return false;
      warn(`${name}: still taking the project down; once more ends that, too`);
      return true;
    });
  }
}

class StageFailure extends Error {
  readonly reason: unknown;
  readonly code: number;

  constructor(reason: unknown, code: number) {
    super(messageOf(reason));
    this.reason = reason;
    this.code = code;
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

function withDeadline(signal: AbortSignal, seconds: number | undefined): AbortSignal {
  if (seconds === undefined) return signal;
  const late = new AbortController();
  void setTimeout(seconds * 1_000, undefined, { ref: false }).then(() => {
    const message = `the time is over: not done within ${seconds} s`;
    late.abort(new TscomposeError({ code: 'cli/ci-timeout', message, facts: { seconds } }));
  });
  return AbortSignal.any([signal, late.signal]);
}
