import { castText, CastError, type CastKind } from './cast.js';
import type { NodePath } from './model.js';
import { mapChildren, scalar, type MapNode, type Node, type ScalarNode } from './node.js';
import { pathTable, ruleAt, stepTable, type TableState } from './path-table.js';
import { pathText, type Problems } from './problems.js';
import type { SourceLocation } from '../base/source-location.js';
import { locationOf } from './source-text.js';
import { substitute, TemplateError, type Lookup } from './template.js';

/** Attributes whose text becomes a number or a boolean once its variables are filled in. */
const casts = pathTable<CastKind>({
  'services.*.configs.*.mode': 'integer',
  'services.*.secrets.*.mode': 'integer',
  'services.*.cpu_count': 'integer',
  'services.*.cpu_percent': 'float',
  'services.*.cpu_period': 'integer',
  'services.*.cpu_quota': 'integer',
  'services.*.cpu_rt_period': 'integer',
  'services.*.cpu_rt_runtime': 'integer',
  'services.*.cpus': 'float',
  'services.*.cpu_shares': 'integer',
  'services.*.init': 'boolean',
  'services.*.depends_on.*.required': 'boolean',
  'services.*.depends_on.*.restart': 'boolean',
  'services.*.deploy.replicas': 'integer',
  'services.*.deploy.update_config.parallelism': 'integer',
  'services.*.deploy.update_config.max_failure_ratio': 'float',
  'services.*.deploy.rollback_config.parallelism': 'integer',
  'services.*.deploy.rollback_config.max_failure_ratio': 'float',
  'services.*.deploy.restart_policy.max_attempts': 'integer',
  'services.*.deploy.placement.max_replicas_per_node': 'integer',
  'services.*.healthcheck.retries': 'integer',
  'services.*.healthcheck.disable': 'boolean',
  'services.*.oom_kill_disable': 'boolean',
  'services.*.oom_score_adj': 'integer',
  'services.*.pids_limit': 'integer',
  'services.*.ports.*.target': 'integer',
  'services.*.privileged': 'boolean',
  'services.*.read_only': 'boolean',
  'services.*.scale': 'integer',
  'services.*.stdin_open': 'boolean',
  'services.*.tty': 'boolean',
  'services.*.ulimits.*': 'integer',
  'services.*.ulimits.*.hard': 'integer',
  'services.*.ulimits.*.soft': 'integer',
  'services.*.volumes.*.read_only': 'boolean',
  'services.*.volumes.*.volume.nocopy': 'boolean',
  'networks.*.external': 'boolean',
  'networks.*.internal': 'boolean',
  'networks.*.attachable': 'boolean',
  'networks.*.enable_ipv4': 'boolean',
  'networks.*.enable_ipv6': 'boolean',
  'volumes.*.external': 'boolean',
  'secrets.*.external': 'boolean',
  'configs.*.external': 'boolean',
});

export interface InterpolateContext {
  readonly lookup: Lookup;
  readonly problems: Problems;
  /** A variable was read that is not set. */
  readonly onUnset: (variable: string, at: SourceLocation | undefined) => void;
  readonly onWarning: (message: string, at: SourceLocation | undefined) => void;
}

/**
 * Fills variables into every text value of a tree (keys are left alone) and gives the results their types. Values that
 * cannot be filled in or typed are added to `problems` and left out, so that later stages can look for more.
 */
export function interpolate(root: MapNode, context: InterpolateContext): MapNode {
  const filled = walk(root, [], [casts], context);
  return filled?.kind === 'map' ? filled : root;
}

function walk(node: Node, path: NodePath, state: TableState<CastKind>, context: InterpolateContext): Node | undefined {
  if (node.kind !== 'scalar') {
    return mapChildren(node, (child, key) => walk(child, [...path, key], stepTable(state, key), context));
  }
  if (typeof node.value !== 'string' || node.timestamp !== undefined) return node;
  const cast = ruleAt(state);
  const filled = node.value.includes('$') ? fill(node, node.value, path, context) : node;
  return cast === undefined || filled === undefined ? filled : typed(filled, cast, path, context);
}

/** Undefined when the text could not be filled in; the problem is noted. */
function fill(node: ScalarNode, text: string, path: NodePath, context: InterpolateContext): ScalarNode | undefined {
  const at = locationOf(node.at);
  try {
    const value = substitute(text, {
      lookup: context.lookup,
      onUnset: (variable) => context.onUnset(variable, at),
    });
    return scalar(value, node);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const place = pathText(path);
    if (error.problem.kind === 'invalid') {
      context.problems.add({
        code: 'compose/bad-interpolation',
        message: `invalid interpolation format for ${place}: ${error.problem.template}`,
        facts: { path: place, template: error.problem.template },
        hint: 'write $$ for a dollar sign that is meant as such',
        at,
      });
    } else {
      const { variable, reason } = error.problem;
      context.problems.add({
        code: 'compose/variable-missing',
        message: `required variable ${variable} is missing a value${reason === '' ? '' : `: ${reason}`}`,
        facts: { path: place, variable },
        hint: `set it in the environment, in .env or with --env-file`,
        at,
      });
    }
    return undefined;
  }
}

function typed(node: ScalarNode, cast: CastKind, path: NodePath, context: InterpolateContext): ScalarNode | undefined {
  try {
    const result = castText(String(node.value), cast, node);
    if (result.warning !== undefined) context.onWarning(result.warning, locationOf(node.at));
    return result.node;
  } catch (error) {
    if (!(error instanceof CastError)) throw error;
    const place = pathText(path);
    const expected = { boolean: 'true or false', integer: 'a whole number', float: 'a number' }[cast];
    context.problems.add({
      code: 'compose/wrong-type',
      message: `${place} must be ${expected}: ${error.message}`,
      facts: { path: place, expected, actual: 'text' },
      at: locationOf(node.at),
    });
    return undefined;
  }
}
