import { messageOf } from '../../base/errors.js';
import type { EngineClient } from '../../client/index.js';
import type { Project } from '../../compose/index.js';
import {
  followLogs,
  observe,
  type LogEvent,
  type LogFollower,
  type ProgressEvent,
  type StepRun,
} from '../../execute/index.js';
import { displayName, logName, planKill, planStop, type UpOptions } from '../../plan/index.js';
import { compare, nameOf, projectContainers, serviceOf } from '../containers.js';
import { mayReplaceVolume } from '../confirm.js';
import type { CliContext } from '../context.js';
import { exitCodes } from '../interrupts.js';
import { logPrinter, printLogEvent } from '../print-logs.js';
import type { LogPrinter } from '../render/log-lines.js';
import type { Progress } from '../render/progress.js';
import { runPlan, runUp } from '../run-plan.js';
import { timeoutOf } from '../shared-options.js';
import { attachmentOf, type Attachment } from './attachment.js';
import type { UpFlags } from './flags.js';
import { openMenu, type Menu } from './menu.js';
import { quietOf } from './options.js';
import { WatchSwitch } from './watch-switch.js';

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
  const known = await runUp(context, { ...work, mayReplace }, { ...options, noStart: 'for-now' });
  await creating.end();
  return await new Session(context, { ...up, options: { ...options, ...known } }).run();
}

/** Why the command comes to its end before the containers do. */
type EndReason =
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'detach' }
  | { readonly kind: 'container-ended'; readonly exitCode: number };

class Session {
  readonly #menu: Menu;
  readonly #context: CliContext;
  readonly #up: ForegroundUp;
  readonly #printer: LogPrinter;
  readonly #attachment: Attachment;
  readonly #watch: WatchSwitch;
  readonly #firstExit = new Map<string, number>();
  #starting = true;
  #reason: EndReason | undefined;
  /** Fires for every reason, `#stopAsked` for those that stop the containers. */
  readonly #endAsked = new AbortController();
  readonly #stopAsked = new AbortController();
  readonly #killAsked = new AbortController();
  #failWatch: (error: unknown) => void = () => undefined;
  readonly #watchFailed: Promise<never>;

  constructor(context: CliContext, up: ForegroundUp) {
    const { client, project, flags } = up;
    this.#menu = openMenu(context, flags.menu, {
      w: () => {
        this.#toggleWatch();
      },
      d: () => {
        this.#detach();
      },
    });
    this.#context = this.#menu.context;
    this.#watchFailed = new Promise((_, reject) => {
      this.#failWatch = reject;
    });
    this.#watchFailed.catch(() => undefined); // looked at only while attached
    this.#up = up;
    this.#printer = logPrinter(this.#context, flags);
    this.#attachment = attachmentOf(project, up.services, flags);
    const watched = [...this.#attachment.followed].filter(
      (service) => project.model.services[service]?.develop !== undefined,
    );
    const say = (text: string): void => {
      this.#say(text);
    };
    const work = { client, project, prune: true, quietBuild: flags.quietBuild, say };
    this.#watch = new WatchSwitch(this.#context, work, watched, this.#menu.showWatching);
  }

  async run(): Promise<number> {
    const { client, project } = this.#up;
    const release = this.#context.interrupts.handle(() => this.#interrupted());
    const following = new AbortController();
    const follower = followLogs({
      client,
      project: project.name,
      services: [...this.#attachment.followed],
      awaited: this.#attachment.awaited,
      history: 'none',
      regain: (signal) => this.#context.regainEngine(signal),
      onEvent: (event) => {
        this.#onLog(event);
      },
      signal: following.signal,
    });
    try {
      const started = await this.#startAll(follower);
      if (this.#up.flags.watch) this.#toggleWatch();
      // A rebuild leaves nothing running for a moment, which is no end.
      else follower.untilIdle(started);
      await Promise.race([follower.ended, aborted(this.#endAsked.signal), this.#watchFailed]);
      if (this.#stopAsked.signal.aborted) await this.#stop(follower);
      return this.#exitCode();
    } finally {
      this.#menu.close();
      this.#watch.turnOff();
      following.abort();
      await follower.ended.catch(() => undefined); // cut off on purpose, or thrown by the race above
      this.#printer.release();
      release();
    }
  }

  #toggleWatch(): void {
    if (this.#endAsked.signal.aborted) return;
    if (this.#watch.on) {
      this.#watch.turnOff();
      this.#say('Watch disabled');
      return;
    }
    this.#watch.turnOn().catch((error: unknown) => {
      if (this.#up.flags.watch) this.#failWatch(error);
      else this.#say(messageOf(error));
    });
  }

  /** What has begun to start is all started first: nobody asks for half a project. */
  #detach(): void {
    this.#ask({ kind: 'detach' });
    this.#menu.close();
    if (this.#starting) this.#say('Detaching when everything has been started');
  }

  #say(text: string): void {
    this.#context.terminal.stdout.write(` ⦿ ${text}\n`);
  }

  /** A stop that comes now cuts it short. @returns names of the followed containers it has started */
  async #startAll(follower: LogFollower): Promise<ReadonlySet<string>> {
    const started = new Set<string>();
    const stop = this.#stopAsked.signal;
    try {
      await this.#announce(stop);
      await Promise.race([follower.opened, aborted(stop)]);
      await this.#start(stop, started);
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      this.#starting = false;
    }
    return started;
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { client, project } = this.#up;
    const { shown } = this.#attachment;
    const query = { stopped: true, oneOffs: false, services: [...shown] };
    const containers = await projectContainers(client, project.name, query, signal);
    const names = containers
      .filter((container) => shown.has(serviceOf(container)))
      .map((container) => logName(project.name, serviceOf(container), nameOf(container)))
      .sort(compare);
    this.#printer.register(names);
    if (names.length > 0) this.#context.terminal.stdout.write(`Attaching to ${names.join(', ')}\n`);
  }

  /** What has just been created is not replaced again, whatever the flags say. @param started - filled as it goes on */
  async #start(signal: AbortSignal, started: Set<string>): Promise<void> {
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
    const onStep = ({ step: { operation }, failed }: StepRun): void => {
      if (operation.kind !== 'container.start' || operation.hook === true || failed) return;
      const { name, service } = operation.container;
      if (this.#attachment.followed.has(service)) started.add(name);
    };
    const progress: Progress = {
      report: (event) => {
        this.#onStart(event);
      },
      note: (text) => {
        this.#context.warn(text);
      },
      end: () => Promise.resolve(),
    };
    await runUp(this.#context, { client, project, progress, signal, graphKept: true, onStep }, onlyStart);
  }

  /** Starts show in the logs; only hooks and warnings have to be told. */
  #onStart({ kind, subject, status, detail }: ProgressEvent): void {
    if (detail === undefined || this.#endAsked.signal.aborted) return;
    const name = displayName(this.#up.project.name, subject.replace(/^Container /, ''));
    if (kind === 'warning') this.#context.warn(`warning: ${detail}`);
    else if (kind === 'progress' && /^(?:pre|post)_start\[/.test(status)) this.#printer.line(`${name} ->`, detail);
  }

  #onLog(event: LogEvent): void {
    const { flags, project } = this.#up;
    const { service } = event.source;
    if (this.#reason?.kind === 'detach') return;
    if (this.#attachment.shown.has(service)) printLogEvent(this.#context, project.name, this.#printer, event, flags);
    if (event.kind !== 'exited' || event.restarting) return;
    const { exitCode } = event;
    if (!this.#firstExit.has(service)) this.#firstExit.set(service, exitCode);
    const { abortOnContainerExit, abortOnContainerFailure, exitCodeFrom } = flags;
    const aborts = abortOnContainerExit || exitCodeFrom !== undefined || (abortOnContainerFailure && exitCode !== 0);
    if (aborts && this.#attachment.awaited.includes(service)) this.#ask({ kind: 'container-ended', exitCode });
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

  /** The first reason counts, but for an interrupt. */
  #ask(reason: EndReason): void {
    if (this.#reason !== undefined && reason.kind !== 'interrupt') return;
    this.#reason = reason;
    if (reason.kind !== 'detach') this.#stopAsked.abort();
    this.#endAsked.abort();
  }

  async #stop(follower: LogFollower): Promise<void> {
    this.#watch.turnOff();
    this.#menu.close();
    const { terminal, progressMode, signal } = this.#context;
    terminal.stderr.write(
      this.#reason?.kind === 'interrupt'
        ? '\nGracefully stopping... (press Ctrl+C again to force)\n'
        : 'Aborting on container exit...\n',
    );
    if (progressMode === 'tty') this.#printer.hold();
    await this.#carryOut('stop', this.#killAsked.signal);
    if (this.#killAsked.signal.aborted) await this.#carryOut('kill', signal);
    this.#printer.release();
    follower.untilIdle();
    // Everything has ended: only last lines are missing, and one more interrupt does without.
    const impatience = aborted(this.#killAsked.signal.aborted ? signal : this.#killAsked.signal);
    await Promise.race([follower.ended.catch(() => undefined), impatience]);
  }

  async #carryOut(what: 'stop' | 'kill', signal: AbortSignal): Promise<void> {
    const { client, project, services, flags } = this.#up;
    const target = { projectName: project.name, services };
    const progress = await this.#context.progress(what);
    try {
      const observed = await observe(client, project, signal, {
        ...{ images: false, networks: false, volumes: false },
        providers: what === 'stop',
      });
      const plan =
        what === 'stop'
          ? planStop(observed, project, { ...target, ...timeoutOf(flags.timeout) })
          : planKill(observed, project, target);
      await runPlan(this.#context, { client, project, progress, signal }, plan);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await progress.end();
    }
  }

  #exitCode(): number {
    const { exitCodeFrom } = this.#up.flags;
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
