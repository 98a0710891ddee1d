import type { Filters } from '../../../api/common.js';
import type { EngineEvent } from '../../../api/events.js';
import { badParameter } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { drained } from '../output.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

const filterKeys = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
];

export function eventRoutes({ events }: Rooms): readonly Route[] {
  return [['GET', '/events', follow]];

  async function follow(exchange: Exchange): Promise<void> {
    const { query, response, client } = exchange;
    const sinceNs = query.timeNs('since');
    const untilNs = query.timeNs('until');
    if (sinceNs !== undefined && untilNs !== undefined && sinceNs > untilNs) {
      const [since, until] = [query.text('since') ?? '', query.text('until') ?? ''];
      throw badParameter('since', `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
    }
    const found = events.subscribe(
      {
        filters: knownFilters(query.filters()),
        ...(sinceNs === undefined ? {} : { sinceNs }),
        ...(untilNs === undefined ? {} : { untilNs }),
      },
      client,
    );
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders(); // before any event, so that a client knows it misses nothing
    for await (const event of found) {
      if (!response.write(`${JSON.stringify(withLegacyMembers(event))}\n`)) await drained(response);
    }
    response.end();
  }
}

/** Like dockerd, and unlike all lists, events pass over filters that they do not know. */
function knownFilters(filters: Filters): Filters {
  return Object.fromEntries(Object.entries(filters).filter(([key]) => filterKeys.includes(key)));
}

/** Below API 1.52 events repeat themselves in the members of the first versions. */
function withLegacyMembers(event: EngineEvent): Record<string, unknown> {
  const legacy =
    event.Type === 'container'
      ? { status: event.Action, id: event.Actor.ID, from: event.Actor.Attributes['image'] ?? '' }
      : event.Type === 'image'
        ? { status: event.Action, id: event.Actor.ID }
        : {};
  return { ...legacy, ...event };
}
