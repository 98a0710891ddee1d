import type { ContainerSummary, ListedPort } from '../../api/container.js';
import { composeLabels } from '../../api/labels.js';
import { nameOf, serviceOf } from '../containers.js';
import { humanSize } from './byte-size.js';
import { renderPorts } from './port-list.js';
import { ago } from './relative-time.js';

const engineLabel = 'com.docker.compose.engine';

/** What `ps --format json` prints: members, order and value forms are docker compose's. */
export interface ContainerRow {
  readonly Command: string;
  readonly CreatedAt: string;
  readonly Engine: string;
  readonly ExitCode: number;
  readonly Health: string;
  readonly ID: string;
  readonly Image: string;
  readonly Labels: string;
  readonly LocalVolumes: string;
  readonly Mounts: string;
  readonly Name: string;
  readonly Names: string;
  readonly Networks: string;
  readonly Ports: string;
  readonly Project: string;
  readonly Publishers: readonly Publisher[];
  readonly RunningFor: string;
  readonly Service: string;
  readonly Size: string;
  readonly State: string;
  readonly Status: string;
}

export interface Publisher {
  readonly URL: string;
  readonly TargetPort: number;
  readonly PublishedPort: number;
  readonly Protocol: string;
}

const commandCells = 20;
const mountCells = 15;

export function containerRow(container: ContainerSummary, options: { full: boolean; nowMs: number }): ContainerRow {
  const cut = (text: string, length: number): string => (options.full ? text : ellipsis(text, length));
  const createdMs = container.Created * 1_000;
  const name = nameOf(container);
  return {
    Command: JSON.stringify(cut(container.Command, commandCells)),
    // Loading the names of time zones takes 10 ms, and a table of the usual columns does not show them.
    get CreatedAt() {
      return goTime(new Date(createdMs));
    },
    Engine: container.Labels[engineLabel] ?? '',
    ExitCode: exitCodeOf(container),
    Health: healthOf(container),
    ID: options.full ? container.Id : container.Id.slice(0, 12),
    Image: container.Image,
    Labels: Object.entries(container.Labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    LocalVolumes: String(container.Mounts.filter(({ Driver }) => Driver === 'local').length),
    Mounts: container.Mounts.map(({ Name, Source }) =>
      cut(Name !== undefined && Name !== '' ? Name : Source, mountCells),
    ).join(','),
    Name: name,
    Names: name,
    Networks: Object.keys(container.NetworkSettings.Networks).sort().join(','),
    Ports: renderPorts(container.Ports),
    Project: container.Labels[composeLabels.project] ?? '',
    Publishers: publishers(container.Ports),
    RunningFor: ago(createdMs, options.nowMs),
    Service: serviceOf(container),
    Size: humanSize(container.SizeRw ?? 0),
    State: container.State,
    Status: container.Status,
  };
}

function publishers(ports: readonly ListedPort[]): Publisher[] {
  return ports
    .map(({ IP, PrivatePort, PublicPort, Type }) => ({
      URL: IP ?? '',
      TargetPort: PrivatePort,
      PublishedPort: PublicPort ?? 0,
      Protocol: Type,
    }))
    .sort((a, b) => a.TargetPort - b.TargetPort);
}

/** The list answers it only in words: `Exited (3) 2 minutes ago`. */
function exitCodeOf({ State, Status }: ContainerSummary): number {
  if (State !== 'exited' && State !== 'dead') return 0;
  return Number(/^(?:Exited|Dead) \((\d+)\)/.exec(Status)?.[1] ?? 0);
}

function healthOf({ State, Status, Health }: ContainerSummary): string {
  if (State !== 'running') return '';
  if (Health !== undefined) return Health.Status === 'none' ? '' : Health.Status;
  const word = /\((healthy|unhealthy|health: starting)\)/.exec(Status)?.[1] ?? '';
  return word === 'health: starting' ? 'starting' : word;
}

function ellipsis(text: string, length: number): string {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`;
}

let zoneNames: Intl.DateTimeFormat | undefined;

/** Go's `2006-01-02 15:04:05 -0700 MST`, in local time. */
function goTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  zoneNames ??= new Intl.DateTimeFormat('en', { timeZoneName: 'short' });
  const name = zoneNames.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone} ${name ?? 'UTC'}`;
}
