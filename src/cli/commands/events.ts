import type { EngineEvent } from '../../api/events.js';
import { composeLabels } from '../../api/labels.js';
import { hasCode } from '../../base/errors.js';
import { defineCommand } from '../command.js';
import { flag, text } from '../flags.js';
import { parseMoment } from '../moment.js';
import { projectIfPresent } from '../project.js';

export const eventsCommand = defineCommand({
  details: 'Until Ctrl-C, or until --until. Containers of run are left out.',
  usage: '[SERVICE...]',
  flags: {
    json: flag('One JSON object a line'),
    since: text('Events from this time on', { placeholder: 'TIME' }),
    until: text('Events up to this time', { placeholder: 'TIME' }),
  },
  run: async ({ flags, args, context }) => {
    const { signal, terminal } = context;
    const target = await projectIfPresent(context);
    target.checkServices(args);
    const client = await context.engine();
    const now = Date.now();
    const query = {
      filters: { type: ['container'], label: [`${composeLabels.project}=${target.name}`] },
      ...(flags.since === undefined ? {} : { since: parseMoment('--since', flags.since, now) }),
      ...(flags.until === undefined ? {} : { until: parseMoment('--until', flags.until, now) }),
    };
    const render = flags.json ? eventObject : eventLine;
    let last: bigint | undefined;
    for (;;) {
      try {
        const since = last === undefined ? {} : { since: afterNs(last) };
        for await (const event of client.events({ ...query, ...since }, signal)) {
          last = BigInt(event.timeNano);
          const { Attributes } = event.Actor;
          const service = Attributes[composeLabels.service] ?? '';
          if (Attributes[composeLabels.oneoff] === 'True') continue;
          if (args.length > 0 && !args.includes(service)) continue;
          terminal.stdout.write(render(event, service));
        }
        return 0;
      } catch (error) {
        if (!hasCode(error, 'engine/unreachable')) throw error;
        last ??= BigInt(now) * 1_000_000n;
        await context.regainEngine(signal);
      }
    }
  },
});

/** Numbers of JSON hold nanoseconds to 256 only: what comes again is cut off there. */
function afterNs(ns: bigint): string {
  const after = ns + 512n;
  return `${after / 1_000_000_000n}.${String(after % 1_000_000_000n).padStart(9, '0')}`;
}

const labelPrefixes = ['com.docker.compose.', 'io.tscompose.'];

function attributesOf({ Actor }: EngineEvent): [string, string][] {
  return Object.entries(Actor.Attributes)
    .filter(([key]) => !labelPrefixes.some((prefix) => key.startsWith(prefix)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function eventLine(event: EngineEvent): string {
  const attributes = attributesOf(event).map(([key, value]) => `${key}=${value}`);
  const { day, time, fraction } = localTime(event, 6);
  return `${day} ${time}.${fraction} container ${event.Action} ${event.Actor.ID} (${attributes.join(', ')})\n\n`;
}

function eventObject(event: EngineEvent, service: string): string {
  const { day, time, fraction, zone } = localTime(event, 9);
  const shown = {
    action: event.Action,
    attributes: Object.fromEntries(attributesOf(event)),
    id: event.Actor.ID,
    service,
    time: `${day}T${time}${fraction.replace(/0+$/, '').replace(/^(?=\d)/, '.')}${zone}`,
    type: event.Type,
  };
  return `${JSON.stringify(shown)}\n`;
}

/** Local time as Go writes it. Nanoseconds are exact to 256: that is what a JSON number holds. */
function localTime(
  { time, timeNano }: EngineEvent,
  digits: number,
): { readonly day: string; readonly time: string; readonly fraction: string; readonly zone: string } {
  const date = new Date(time * 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const hours = Math.floor(Math.abs(offset) / 60);
  const nanoseconds = String(BigInt(timeNano) % 1_000_000_000n).padStart(9, '0');
  return {
    day: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    fraction: nanoseconds.slice(0, digits),
    zone: offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(hours)}:${two(Math.abs(offset) % 60)}`,
  };
}
