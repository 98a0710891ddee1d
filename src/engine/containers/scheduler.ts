import { composeLabels } from '../../api/labels.js';
import type { StartWait } from '../../api/tscompose.js';
import { messageOf } from '../../base/errors.js';
import { decideStarts, type Member } from '../projects/index.js';
import type { Container } from './container.js';
import { restartByEngine } from './engine-restart.js';
import { runHooks } from './hooks.js';
import { projectOf, serviceOf } from './labels.js';
import { publish, type Room, type Scheduler } from './room.js';
import { startContainer } from './start.js';
import { healthOf } from './wire.js';

/** After these a start may have become possible, or due; execs, signals and what is only read change nothing. */
const changesOfState = ['create', 'start', 'die', 'stop', 'destroy', 'health_status', 'hook_failed', 'update'];

/** @param room - given when first needed: the two know each other */
export function createScheduler(room: () => Room): Scheduler {
  const starts = new Map<Container, Promise<void>>();
  const waiting = new Set<string>();
  let opened = false;

  const start = (container: Container): void => {
    if (starts.has(container)) return;
    const run = attempt(room(), container).finally(() => {
      starts.delete(container);
      if (container.due)
        due(container); // it ended while its hooks ran
      else again(projectOf(container));
    });
    starts.set(container, run);
  };

  const look = (project: string): void => {
    const { registry, projects, closing } = room();
    if (!opened || closing.aborted) return;
    const members = [...registry.values()].filter((one) => !one.gone && projectOf(one) === project);
    const graph = projects.get(project);
    for (const one of members) restartIfUnhealthy(room(), one);
    const due = members.filter((one) => one.due && !starts.has(one));
    if (due.length === 0) return;
    const decisions =
      graph === undefined
        ? new Map<string, undefined>()
        : decideStarts(
            graph,
            members.map((one) => memberOf(one, starts.has(one))),
          );
    for (const container of due) {
      const wait = decisions.get(serviceOf(container));
      if (wait === undefined) start(container);
      else holdBack(room(), container, wait);
    }
  };

  /** Once for all that happens in one turn of the event loop. */
  const again = (project: string | undefined): void => {
    if (project === undefined || waiting.has(project)) return;
    waiting.add(project);
    setImmediate(() => {
      waiting.delete(project);
      look(project);
    });
  };

  const due = (container: Container): void => {
    container.due = true;
    const project = projectOf(container);
    if (project !== undefined) again(project);
    else if (opened && !room().closing.aborted) start(container);
  };

  const follow = async (): Promise<void> => {
    const { events, closing } = room();
    while (!closing.aborted) {
      const filters = { type: ['container'], event: changesOfState };
      for await (const { Actor } of events.subscribe({ filters }, closing))
        again(Actor.Attributes[composeLabels.project]);
      for (const { name } of room().projects.list()) again(name); // events were lost
    }
  };

  return {
    due,
    look: again,
    restarting: (container) => {
      for (const dependent of dependentsOf(room(), container)) restartByEngine(room(), dependent, 0);
    },
    open: () => {
      opened = true;
      follow().catch((error: unknown) => {
        room().log.error('cannot follow what happens to containers any more', { error });
      });
      for (const container of room().registry.values()) {
        const project = projectOf(container);
        if (project !== undefined) again(project);
        else if (container.due) start(container);
      }
      for (const { name } of room().projects.list()) void forgetEmpty(room(), name);
    },
    close: async () => {
      await Promise.all(starts.values());
    },
  };
}

async function attempt(room: Room, container: Container): Promise<void> {
  try {
    if (await startContainer(room, container, room.closing, 'when due')) await runHooks(room, container, 'post_start');
  } catch (error) {
    room.log.warn('cannot start a container again', { containerId: container.id, reason: messageOf(error) });
    // The engine ends, which is no fault of the container: the next one goes on.
    if (room.closing.aborted && !container.gone && !container.state.stoppedByUser) await remember(room, container);
  }
}

/** What is told of it while it waits. A wait that will not end by itself is worth an event. */
function holdBack(room: Room, container: Container, wait: StartWait): void {
  const before = container.startWait;
  container.startWait = wait;
  if (wait.Reason === before?.Reason) return;
  room.log.info('container waits to be started', { containerId: container.id, reason: wait.Reason });
  if (wait.Failed) publish(room, container, 'start_blocked', { reason: wait.Reason });
  void remember(room, container);
}

/**
 * An engine that dies now is followed by one that knows. Of one that is `restarting` its status says it. Never rejects:
 * what cannot be written down is lost with this engine only.
 */
async function remember(room: Room, container: Container): Promise<void> {
  try {
    await container.exclusive(async () => {
      const { state } = container;
      if (container.gone || state.due === true || (state.status !== 'exited' && state.status !== 'created')) return;
      await container.change({ state: { ...state, due: true } });
    });
  } catch (error) {
    room.log.warn('cannot write down that a container is due', { containerId: container.id, error });
  }
}

/** @param underWay - this scheduler is starting it; it is not there before its hooks are through */
function memberOf(container: Container, underWay: boolean): Member {
  const { state, due, hookFailure } = container;
  return {
    service: serviceOf(container),
    phase: phaseOf(container, underWay),
    due,
    health: healthOf(container)?.Status,
    exitCode: state.exitCode,
    lostTo: state.lostRun?.Cause,
    error: hookFailure ?? state.error,
  };
}

function phaseOf({ state, due, isLive, hookFailure }: Container, underWay: boolean): Member['phase'] {
  if (underWay || due || state.status === 'restarting' || state.status === 'starting') return 'coming';
  if (isLive) return hookFailure === undefined ? 'running' : 'ended';
  return state.startedAt.startsWith('0001') ? 'created' : 'ended';
}

/** Running containers of services that are to follow a restart of this one's. */
function dependentsOf(room: Room, container: Container): Container[] {
  const project = projectOf(container);
  const graph = project === undefined ? undefined : room.projects.get(project);
  if (graph === undefined) return [];
  const service = serviceOf(container);
  const following = Object.entries(graph.services).filter(
    ([, { restartWithDependencies, needs }]) =>
      restartWithDependencies && needs.some((need) => need.service === service && need.restart),
  );
  const names = new Set(following.map(([name]) => name));
  return [...room.registry.values()].filter((one) => projectOf(one) === project && names.has(serviceOf(one)));
}

function restartIfUnhealthy(room: Room, container: Container): void {
  if (container.state.status !== 'running' || container.health?.state.Status !== 'unhealthy') return;
  const node = room.projects.node(projectOf(container) ?? '', serviceOf(container));
  if (node?.restartUnhealthy === true) restartByEngine(room, container, 'unhealthy');
}

/** A client that knows nothing of graphs took the last container away. */
async function forgetEmpty({ projects, registry, log }: Room, project: string): Promise<void> {
  const has = ({ record }: Container): boolean => record.config.Labels?.[composeLabels.project] === project;
  if ([...registry.values()].some(has)) return;
  await projects.delete(project).catch((error: unknown) => {
    log.warn('cannot forget a project', { project, error });
  });
}
