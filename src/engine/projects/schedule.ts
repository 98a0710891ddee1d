import type { HealthStatus } from '../../api/container.js';
import type { LostRun, NeedCondition, ProjectGraph, ServiceNeed, StartWait } from '../../api/tscompose.js';

/** What a decision needs to know of one container of a project. Containers of `run` are none. */
export interface Member {
  readonly service: string;
  /** `coming`: being started, or to be. `ended`: nothing will start it without being asked. */
  readonly phase: 'running' | 'coming' | 'ended' | 'created';
  /** It is `coming`, and only its needs may keep it. */
  readonly due: boolean;
  /** Undefined where nothing is checked. */
  readonly health: HealthStatus | undefined;
  /** Of its last run. */
  readonly exitCode: number;
  /** It ended unseen, with this. */
  readonly lostTo: LostRun['Cause'] | undefined;
  /** Why it could not be started the last time; empty otherwise. */
  readonly error: string;
}

/** Undefined: start it now. */
export type Decision = StartWait | undefined;

/**
 * Whether the containers of a service that are due may be started, by what it needs. Pure: the same members give the same
 * answers, whatever has happened before, so it can be asked after every event.
 * @returns answers by service, for those with a member that is due
 */
export function decideStarts(graph: ProjectGraph, members: readonly Member[]): ReadonlyMap<string, Decision> {
  const byService = new Map<string, Member[]>();
  for (const member of members) {
    const own = byService.get(member.service);
    if (own === undefined) byService.set(member.service, [member]);
    else own.push(member);
  }
  const known = new Map<string, Decision>();
  const decide = (service: string): Decision => {
    if (known.has(service)) return known.get(service);
    known.set(service, undefined); // whoever asks again below is in a circle, which is no reason to wait for ever
    const waits = (graph.services[service]?.needs ?? []).flatMap((need) => {
      const wait = look(need, byService.get(need.service) ?? [], decide);
      return wait === undefined || (wait.Failed && !need.required) ? [] : [wait];
    });
    const decision = waits.find(({ Failed }) => Failed) ?? waits[0];
    known.set(service, decision);
    return decision;
  };
  const due = [...byService].filter(([, own]) => own.some((member) => member.due));
  return new Map(due.map(([service]) => [service, decide(service)]));
}

/** What is still missing of one need. */
function look(need: ServiceNeed, members: readonly Member[], decide: (service: string) => Decision): Decision {
  const held = members.some(({ due }) => due) ? decide(need.service) : undefined;
  const verdicts = members.map((member) => judge(need.condition, member, held));
  const missing = verdicts.filter((verdict) => verdict !== 'met');
  if (missing.length === 0) return undefined;
  // One replica that has done the work is enough; all of them must be healthy or started.
  if (need.condition === 'service_completed_successfully' && missing.length < verdicts.length) return undefined;
  const failed = missing.find((verdict) => verdict !== 'may come');
  const hopeless = need.condition === 'service_completed_successfully' ? !missing.includes('may come') : true;
  const { service: Service, condition: Condition } = need;
  if (failed !== undefined && hopeless) {
    return { Service, Condition, Failed: true, Reason: `was not started: "${Service}" ${failed.why}` };
  }
  return { Service, Condition, Failed: false, Reason: `waits for "${Service}" to ${goals[Condition]}` };
}

const goals: Readonly<Record<NeedCondition, string>> = {
  service_started: 'start',
  service_healthy: 'be healthy',
  service_completed_successfully: 'complete',
};

type Verdict = 'met' | 'may come' | { readonly why: string };

function judge(condition: NeedCondition, member: Member, held: Decision): Verdict {
  const { phase, due, error } = member;
  if (phase === 'coming') return due && held?.Failed === true ? { why: held.Reason } : 'may come';
  if (phase !== 'running' && error !== '') return { why: `could not be started: ${error}` };
  switch (condition) {
    case 'service_started':
      return 'met'; // order is about what is started: one that somebody stopped is not waited for
    case 'service_healthy':
      if (phase !== 'running') return { why: phase === 'created' ? 'has never been started' : ended(member) };
      return judgeHealth(member);
    case 'service_completed_successfully':
      if (phase === 'running') return 'may come';
      if (phase === 'created') return { why: 'has never been started' };
      return member.exitCode === 0 ? 'met' : { why: ended(member) };
  }
}

function judgeHealth({ health }: Member): Verdict {
  switch (health) {
    case 'starting':
      return 'may come';
    case 'unhealthy':
      return { why: 'is unhealthy' };
    case undefined:
    case 'none':
    case 'healthy':
      return 'met';
  }
}

function ended({ exitCode, lostTo }: Member): string {
  if (lostTo === 'host') return 'does not run: it was running when the host went down';
  return `does not run: it exited with code ${exitCode}`;
}
