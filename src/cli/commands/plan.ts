import { converge } from '../../execute/index.js';
import { renderPlan, subjectOf, type Plan, type PlanStep } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { upFlags } from '../up/flags.js';
import { upOptions } from '../up/options.js';

/** As of `diff` and its kin: neither success nor failure. */
const changesExitCode = 2;

const { alwaysRecreateDeps, build, forceRecreate, frozen, noBuild, noDeps, noFrozen, noRecreate, noStart, pull } =
  upFlags;
const { removeOrphans, renewAnonVolumes, scale, timeout } = upFlags;

export const planCommand = defineCommand({
  details:
    'Prints every step that `up` with the same flags would take, with the reason, and changes nothing. ' +
    'The exit code is 0 when there is nothing to do and 2 when there is.',
  usage: '[SERVICE...]',
  flags: {
    ...{ alwaysRecreateDeps, build, forceRecreate, frozen, noBuild, noDeps, noFrozen, noRecreate, noStart, pull },
    ...{ removeOrphans, renewAnonVolumes, scale, timeout },
    json: flag('As JSON, for programs'),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const { terminal, signal, warn } = context;
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = await withLock(context, enableNamed(loaded, args), flags);
    const options = upOptions({ ...flags, wait: false }, args, project.environment);
    const client = await context.engine();
    const { plan } = await converge(project, options, {
      client,
      project,
      signal,
      onEvent: () => undefined,
      onPlan: () => 'stop',
    });
    if (flags.json) terminal.stdout.write(`${JSON.stringify(machineForm(plan), undefined, 2)}\n`);
    else {
      terminal.stdout.write(`${renderPlan({ ...plan, warnings: [] }) || 'nothing to do'}\n`);
      for (const { subject, message } of plan.warnings) warn(`warning: ${subject} ${message}`);
    }
    return plan.steps.length === 0 ? 0 : changesExitCode;
  },
});

interface MachineStep {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly cause: string;
  readonly after: readonly number[];
}

function machineForm(plan: Plan): unknown {
  const step = ({ id, operation, after }: PlanStep): MachineStep => {
    const { kind, cause } = operation;
    return { id, kind, subject: subjectOf(plan.project, operation), cause, after };
  };
  return {
    project: plan.project,
    steps: plan.steps.map(step),
    unchanged: plan.unchanged.map(({ name }) => name),
    warnings: plan.warnings,
    continues: plan.again !== undefined,
  };
}
