import { digestOf } from '../../../base/digest.js';
import { messageOf } from '../../../base/errors.js';
import { timestampOf } from '../../../api/buildkit/common.js';
import type { Status, StatusLog } from './status-log.js';

/** One line of a build's progress, with what happens under it. */
export interface VertexReport {
  readonly digest: string;
  started(): void;
  /** @param outcome - `error` as the client shows it; `context canceled` at its end means canceled */
  completed(outcome: { readonly cached?: boolean; readonly error?: string }): void;
  output(text: string): void;
  /** A piece of its work; called again as it goes on. @param id - shown, and the same for the same piece */
  piece(id: string, state: { readonly current?: number; readonly total?: number; readonly done?: boolean }): void;
}

/** Draws a build for `StatusLog`. */
export interface VertexReports {
  vertex(name: string): VertexReport;
  /** A vertex that lasts as long as `work`. */
  during<T>(name: string, work: (vertex: VertexReport) => Promise<T>): Promise<T>;
  say(status: Status): void;
}

/** What one step prints beyond this is left out, as BuildKit does: who comes late hears all that is kept. */
const maxOutputBytes = 2 << 20;
const clipped = Buffer.from('[output clipped, log limit 2MiB reached]\n');

/** @param scope - of vertex ids: two builds shown side by side have none in common */
export function vertexReports(log: StatusLog, scope: string): VertexReports {
  let count = 0;
  const vertex = (name: string): VertexReport => {
    const digest = digestOf(`${scope} ${count++} ${name}`);
    const started = new Map<string, ReturnType<typeof now>>();
    let began: ReturnType<typeof now> | undefined;
    let outputBytes = 0;
    const print = (msg: Buffer): void => log.say({ logs: [{ vertex: digest, timestamp: now(), stream: 1, msg }] });
    return {
      digest,
      started: () => {
        began = now();
        log.say({ vertexes: [{ digest, name, started: began }] });
      },
      completed: ({ cached = false, error = '' }) => {
        const at = now();
        log.say({ vertexes: [{ digest, name, cached, started: (began ??= at), completed: at, error }] });
      },
      output: (text) => {
        if (outputBytes > maxOutputBytes) return;
        const msg = Buffer.from(text);
        outputBytes += msg.byteLength;
        print(outputBytes > maxOutputBytes ? clipped : msg);
      },
      piece: (id, { current = 0, total = 0, done = false }) => {
        const at = now();
        const from = started.get(id) ?? at;
        started.set(id, from);
        log.say({
          statuses: [
            { id, vertex: digest, current, total, timestamp: at, started: from, ...(done ? { completed: at } : {}) },
          ],
        });
      },
    };
  };
  return {
    vertex,
    say: (status) => log.say(status),
    during: async (name, work) => {
      const report = vertex(name);
      report.started();
      try {
        const result = await work(report);
        report.completed({});
        return result;
      } catch (error) {
        report.completed({ error: messageOf(error) });
        throw error;
      }
    },
  };
}

function now(): ReturnType<typeof timestampOf> {
  return timestampOf(performance.timeOrigin + performance.now());
}
