import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { MergedLogsRequest } from '../../../api/tscompose.js';
import type { HistoryOptions } from '../../containers/index.js';
import { hasHungUp } from '../../sys/index.js';
import { readJson } from '../body.js';
import { mergedLogsShape } from '../body-shapes.js';
import { badParameter } from '../errors.js';
import { type Exchange, param } from '../exchange.js';
import { describe } from '../failure.js';
import { hijack } from '../hijack.js';
import { drained, pump, streamContentType } from '../output.js';
import type { Query } from '../query.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { acceptWebSocket, requireWebSocket } from '../websocket.js';

/** What flows out of a container for as long as it lives: logs, attach, stats. */
export function containerStreamRoutes({ containers }: Rooms): readonly Route[] {
  return [
    ['GET', '/containers/{id}/logs', logs],
    ['POST', '/tscompose/logs', mergedLogs],
    ['POST', '/containers/{id}/attach', attach],
    ['GET', '/containers/{id}/attach/ws', attachSocket],
    ['GET', '/containers/{id}/stats', stats],
  ];

  async function logs(exchange: Exchange): Promise<void> {
    const { query, response, client } = exchange;
    const stdout = query.flag('stdout');
    const stderr = query.flag('stderr');
    if (!stdout && !stderr) throw badParameter('stdout', 'Bad parameters: you must choose at least one stream');
    const { tty, output } = containers.logs(
      param(exchange, 'id'),
      {
        ...historyOptions(query),
        follow: query.flag('follow'),
        stdout,
        stderr,
        timestamps: query.flag('timestamps'),
        details: query.flag('details'),
      },
      client,
    );
    response.writeHead(200, { 'Content-Type': streamContentType(tty, exchange.minor) });
    response.flushHeaders();
    await pump(output, { tty, to: response, signal: client, describe });
    response.end();
  }

  async function mergedLogs({ request, query, body, response, client }: Exchange): Promise<void> {
    const { Containers: ids } = (await readJson(body, request.headers, mergedLogsShape)) as Partial<MergedLogsRequest>;
    const output = containers.mergedLogs(ids ?? [], historyOptions(query), client);
    response.writeHead(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream' });
    await pump(output, { tty: false, to: response, signal: client, describe });
    response.end();
  }

  async function attach(exchange: Exchange): Promise<void> {
    await joinSession(exchange, await openSession(exchange));
  }

  async function attachSocket(exchange: Exchange): Promise<void> {
    const { client } = exchange;
    requireWebSocket(exchange);
    const { output, stdin } = await openSession(exchange);
    const connection = await acceptWebSocket(exchange);
    if (stdin === undefined)
      connection.resume(); // keeps reading, so that the client's leaving is seen
    else connection.pipe(stdin.on('error', () => undefined));
    await pump(output, { tty: true, to: connection, signal: client, describe }); // messages are never framed
    connection.end();
  }

  function openSession(exchange: Exchange): Promise<Session> {
    const { query, client } = exchange;
    const detachKeys = query.text('detachKeys');
    return containers.attach(
      param(exchange, 'id'),
      {
        logs: query.flag('logs'),
        stream: query.flag('stream'),
        stdin: query.flag('stdin'),
        stdout: query.flag('stdout'),
        stderr: query.flag('stderr'),
        ...(detachKeys === undefined ? {} : { detachKeys }),
      },
      client,
    );
  }

  async function stats(exchange: Exchange): Promise<void> {
    const { query, response, client } = exchange;
    const stream = query.flag('stream', true);
    const oneShot = query.flag('one-shot');
    if (stream && oneShot) throw badParameter('one-shot', 'cannot have stream=true and one-shot=true');
    for await (const sample of containers.stats(param(exchange, 'id'), { stream, oneShot }, client)) {
      if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
      if (!response.write(`${JSON.stringify(sample)}\n`)) await drained(response);
      if (!stream) break;
    }
    response.end();
  }
}

interface Session {
  readonly tty: boolean;
  readonly output: Parameters<typeof pump>[0];
  readonly stdin?: Writable;
}

/** Joins a session to the client's connection until its output ends or the client goes. */
export async function joinSession(exchange: Exchange, { tty, output, stdin }: Session): Promise<void> {
  const connection = hijack(exchange, streamContentType(tty, exchange.minor));
  const { output: to, input } = connection;
  if (exchange.upgrade !== undefined) leaveWithClient(exchange.upgrade, stdin);
  if (stdin === undefined) {
    input?.resume(); // keeps reading, so that the client's leaving is seen
  } else {
    stdin.on('error', () => undefined); // the process closed its input or ended: that shows in the output
    if (input === undefined) stdin.end();
    else input.pipe(stdin); // ends it at the client's half-close
  }
  await pump(output, { tty, to, signal: exchange.client, describe });
  connection.end();
}

/** How often a client is looked at that has sent all it had. */
const lookMs = 2_000;

/** A client that sends no more may still read; one that has gone is otherwise seen when there is something to write. */
function leaveWithClient(connection: Socket, stdin: Writable | undefined): void {
  connection.once('end', () => {
    const look = () => {
      const isTaken = stdin === undefined || stdin.writableFinished || stdin.destroyed; // what it sent still counts
      if (isTaken && hasHungUp(connection)) connection.destroy();
    };
    const timer = setInterval(look, lookMs).unref();
    connection.once('close', () => {
      clearInterval(timer);
    });
  });
}

/** What of what was written is wanted. */
function historyOptions(query: Query): HistoryOptions {
  const sinceNs = query.timeNs('since');
  const untilNs = query.timeNs('until');
  return {
    tail: tailOf(query.text('tail')),
    ...(sinceNs === undefined || sinceNs === 0n ? {} : { sinceNs }),
    ...(untilNs === undefined || untilNs === 0n ? {} : { untilNs }),
  };
}

function tailOf(text: string | undefined): number | 'all' {
  if (text === undefined || text === 'all') return 'all';
  const lines = Number(text);
  return Number.isInteger(lines) && lines >= 0 ? lines : 'all';
}
