import type { EngineClient } from '../../client/index.js';
import type { Project } from '../../compose/index.js';
import { followLogs, observe, type LogEvent, type LogFollower } from '../../execute/index.js';
import { dependenciesOf, buildGraph } from '../../graph/index.js';
import { logName, planKill, planStop, type UpOptions } from '../../plan/index.js';
import { compare, nameOf, projectContainers, serviceOf } from '../containers.js';
import { mayReplaceVolume } from '../confirm.js';
import type { CliContext } from '../context.js';
import { exitCodes } from '../interrupts.js';
import { logPrinter, printLogEvent } from '../print-logs.js';
import type { LogPrinter } from '../render/log-lines.js';
import type { Progress } from '../render/progress.js';
import { runPlan, runUp } from '../run-plan.js';
import { timeoutOf } from '../shared-options.js';
import { openMenu, type Menu } from './menu.js';
import { quietOf, type UpFlags } from './options.js';

export interface ForegroundUp {
  readonly client: EngineClient;
  readonly project: Project;
  readonly options: UpOptions;
  readonly flags: UpFlags;
  /** Named on the command line; none: all. */
  readonly services: readonly string[];
}

/**
 * Creates everything, then follows the logs while it starts, so that no first line is missed, until all containers have
 * ended or something asks to stop: Ctrl-C, or the end of a container with `--abort-on-container-exit` and its kin.
 * @returns the exit code of the command
 */
export async function upInForeground(context: CliContext, up: ForegroundUp): Promise<number> {
  const { client, project, options, flags } = up;
  const creating = await context.progress('up');
  const work = { client, project, progress: creating, signal: context.signal, quiet: quietOf(flags) };
  const mayReplace = mayReplaceVolume(context, flags.yes);
  const fetched = await runUp(context, { ...work, mayReplace }, { ...options, noStart: true });
  await creating.end();
  const known = fetched === undefined ? options : { ...options, fetched };
  return await new Session(context, { ...up, options: known }, flags).run();
}

/** Why the containers are to be stopped. */
type StopReason =
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'detach' }
  | { readonly kind: 'container-ended'; readonly service: string; readonly exitCode: number };

class Session {
  readonly #menu: Menu;
  readonly #context: CliContext;
  readonly #up: ForegroundUp;
  readonly #flags: UpFlags;
  readonly #printer: LogPrinter;
  /** Everything that runs for this command. */
  readonly #followed: ReadonlySet<string>;
  /** Whose output is shown. */
  readonly #shown: ReadonlySet<string>;
  /** Whose end is the end of the command: those named, else those shown. What they need goes on. */
  readonly #awaited: readonly string[];
  readonly #attached = new Set<string>();
  #onAttached: () => void = () => undefined;
  readonly #firstExit = new Map<string, number>();
  readonly #stopAsked = new AbortController();
  readonly #killAsked = new AbortController();
  #reason: StopReason | undefined;
  #watching: AbortController | undefined;
  #failWatch: (error: unknown) => void = () => undefined;
  readonly #watchFailed: Promise<never>;

  constructor(context: CliContext, up: ForegroundUp, flags: UpFlags) {
    this.#menu = openMenu(context, flags.menu, {
      w: () => {
        this.#toggleWatch();
      },
      d: () => {
        this.#ask({ kind: 'detach' });
      },
    });
    this.#context = this.#menu.context;
    this.#watchFailed = new Promise((_, reject) => {
      this.#failWatch = reject;
    });
    this.#watchFailed.catch(() => undefined); // looked at only while attached
    this.#up = up;
    this.#flags = flags;
    this.#printer = logPrinter(this.#context, flags);
    const { project, services } = up;
    const named = services.length === 0 ? Object.keys(project.model.services) : services;
    const needs = flags.noDeps ? [] : dependenciesOf(buildGraph(project), named);
    this.#followed = new Set([...named, ...needs]);
    const candidates = flags.attach.length > 0 ? flags.attach : flags.attachDependencies ? this.#followed : named;
    this.#shown = new Set(
      [...candidates].filter(
        (service) => !flags.noAttach.includes(service) && project.model.services[service]?.attach !== false,
      ),
    );
    const decisive = flags.exitCodeFrom === undefined ? [] : [flags.exitCodeFrom];
    const unnamed = this.#shown.size > 0 ? [...this.#shown, ...decisive] : [...this.#followed];
    this.#awaited = services.length > 0 ? services : unnamed;
  }

  async run(): Promise<number> {
    const { client, project } = this.#up;
    const release = this.#context.interrupts.handle(() => this.#interrupted());
    const following = new AbortController();
    const follower = followLogs({
      client,
      project: project.name,
      services: [...this.#followed],
      awaited: this.#awaited,
      history: 'none',
      regain: (signal) => this.#context.regainEngine(signal),
      onEvent: (event) => {
        this.#onLog(event);
      },
      signal: following.signal,
    });
    try {
      await this.#announce();
      await follower.opened;
      const stopAsked = aborted(this.#stopAsked.signal);
      const started = await this.#start();
      await Promise.race([this.#untilAttached(started), stopAsked, follower.ended]);
      if (this.#flags.watch) this.#toggleWatch();
      // A rebuild leaves nothing running for a moment, which is no end.
      else follower.untilIdle();
      await Promise.race([follower.ended, stopAsked, this.#watchFailed]);
      if (this.#reason !== undefined && this.#reason.kind !== 'detach') await this.#stop(follower);
      return this.#exitCode();
    } finally {
      this.#menu.close();
      this.#watching?.abort();
      following.abort();
      await follower.ended.catch(() => undefined); // cut off on purpose, or thrown by the race above
      this.#printer.release();
      release();
    }
  }

  #toggleWatch(): void {
    if (this.#watching !== undefined) {
      this.#watching.abort();
      this.#watching = undefined;
      this.#menu.showWatching(false);
      this.#say('Watch disabled');
      return;
    }
    const { client, project } = this.#up;
    const watching = new AbortController();
    this.#watching = watching;
    this.#menu.showWatching(true);
    const open = async (): Promise<void> => {
      const { openWatch } = await import('../watch/session.js');
      const services = [...this.#followed].filter((service) => project.model.services[service]?.develop !== undefined);
      const say = (text: string): void => {
        this.#say(text);
      };
      const work = { client, project, signal: watching.signal, prune: true, quietBuild: this.#flags.quietBuild, say };
      await openWatch(this.#context, work, services).ended;
    };
    open().catch((error: unknown) => {
      if (watching.signal.aborted) return;
      this.#watching = undefined;
      this.#menu.showWatching(false);
      if (this.#flags.watch) this.#failWatch(error);
      else this.#say(error instanceof Error ? error.message : String(error));
    });
  }

  #say(text: string): void {
    this.#context.terminal.stdout.write(` ⦿ ${text}\n`);
  }

  async #announce(): Promise<void> {
    const { client, project } = this.#up;
    const query = { stopped: true, oneOffs: false, services: [...this.#shown] };
    const containers = await projectContainers(client, project.name, query, this.#stopAsked.signal);
    const names = containers
      .filter((container) => this.#shown.has(serviceOf(container)))
      .map((container) => logName(project.name, serviceOf(container), nameOf(container)))
      .sort(compare);
    this.#printer.register(names);
    if (names.length > 0) this.#context.terminal.stdout.write(`Attaching to ${names.join(', ')}\n`);
  }

  /**
   * What has just been created is not replaced again, whatever the flags say. A stop that comes now cuts it short.
   * @returns names of the containers it has started
   */
  async #start(): Promise<ReadonlySet<string>> {
    const { client, project, options } = this.#up;
    const onlyStart: UpOptions = {
      ...options,
      forceRecreate: false,
      alwaysRecreateDeps: false,
      renewAnonVolumes: false,
      removeOrphans: false,
      ignoreOrphans: true,
      noRecreate: true,
      build: 'never',
      pull: 'never',
    };
    const started = new Set<string>();
    const progress: Progress = {
      report: ({ kind, subject, status }) => {
        if (kind === 'done' && status === 'Started') started.add(subject.replace(/^Container /, ''));
      },
      note: (text) => {
        this.#context.warn(text);
      },
      end: () => Promise.resolve(),
    };
    try {
      await runUp(
        this.#context,
        { client, project, progress, signal: this.#stopAsked.signal, graphKept: true },
        onlyStart,
      );
    } catch (error) {
      if (this.#reason === undefined) throw error;
    }
    return started;
  }

  /** News of a start reaches the follower on its own way: before it has come, nothing to follow is no end. */
  async #untilAttached(names: ReadonlySet<string>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onAttached = () => {
        if ([...names].every((name) => this.#attached.has(name))) resolve();
      };
      this.#onAttached();
    });
  }

  #onLog(event: LogEvent): void {
    const { service } = event.source;
    if (event.kind === 'attached') {
      this.#attached.add(event.source.name);
      this.#onAttached();
    }
    if (this.#shown.has(service))
      printLogEvent(this.#context, this.#up.project.name, this.#printer, event, this.#flags);
    if (event.kind !== 'exited' || event.restarting) return;
    if (!this.#firstExit.has(service)) this.#firstExit.set(service, event.exitCode);
    const { abortOnContainerExit, abortOnContainerFailure, exitCodeFrom } = this.#flags;
    const aborts =
      abortOnContainerExit || exitCodeFrom !== undefined || (abortOnContainerFailure && event.exitCode !== 0);
    if (aborts && this.#awaited.includes(service) && this.#reason === undefined) {
      this.#ask({ kind: 'container-ended', service, exitCode: event.exitCode });
    }
  }

  /** The first stops, the second kills, and more are left to the rule for all commands. */
  #interrupted(): boolean {
    if (this.#reason?.kind !== 'interrupt' && !this.#killAsked.signal.aborted) {
      this.#ask({ kind: 'interrupt' });
      return true;
    }
    if (this.#killAsked.signal.aborted) return false;
    this.#killAsked.abort();
    return true;
  }

  #ask(reason: StopReason): void {
    this.#reason = reason;
    this.#stopAsked.abort();
  }

  async #stop(follower: LogFollower): Promise<void> {
    this.#watching?.abort();
    this.#menu.close();
    const { terminal, progressMode } = this.#context;
    terminal.stderr.write(
      this.#reason?.kind === 'interrupt'
        ? '\nGracefully stopping... (press Ctrl+C again to force)\n'
        : 'Aborting on container exit...\n',
    );
    if (progressMode === 'tty') this.#printer.hold();
    await this.#carryOut('stop', this.#killAsked.signal);
    if (this.#killAsked.signal.aborted) await this.#carryOut('kill', this.#context.signal);
    this.#printer.release();
    follower.untilIdle();
    await follower.ended.catch(() => undefined); // everything has ended: only last lines are missing
  }

  async #carryOut(what: 'stop' | 'kill', signal: AbortSignal): Promise<void> {
    const { client, project, services } = this.#up;
    const target = { projectName: project.name, services };
    const progress = await this.#context.progress(what);
    try {
      const observed = await observe(client, project, signal, {
        ...{ images: false, networks: false, volumes: false },
        providers: what === 'stop',
      });
      const plan =
        what === 'stop'
          ? planStop(observed, project, { ...target, ...timeoutOf(this.#flags.timeout) })
          : planKill(observed, project, target);
      await runPlan(this.#context, { client, project, progress, signal }, plan);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await progress.end();
    }
  }

  #exitCode(): number {
    const { exitCodeFrom } = this.#flags;
    if (this.#reason?.kind === 'interrupt') return exitCodes.interrupted;
    if (exitCodeFrom !== undefined) return this.#firstExit.get(exitCodeFrom) ?? exitCodes.success;
    return this.#reason?.kind === 'container-ended' ? this.#reason.exitCode : exitCodes.success;
  }
}

/** Resolves, never rejects. */
async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
