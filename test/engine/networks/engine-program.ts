import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLog } from '../../../src/base/log.js';
import { openNetworks } from '../../../src/engine/networks/index.js';

/**
 * An engine's networks as a process of their own, which a test can kill: `engine-program <folder> <engine id>`, then one
 * JSON command a line on stdin and one JSON answer a line on stdout.
 */
interface Command {
  readonly do: 'create' | 'start' | 'half' | 'leave' | 'remove' | 'stop';
  readonly name: string;
  readonly network?: string;
  readonly port?: number;
  readonly pid?: number;
}

const [, , folder = '', engineId = ''] = process.argv;
const log = createLog((line) => process.stderr.write(line), 'warn');
const networks = await openNetworks({
  dir: `${folder}/networks`,
  runtimeDir: `${folder}/run`,
  engineId,
  log,
  events: { publish: () => undefined },
});
await networks.start();
process.stdout.write('{}\n');

async function perform(command: Command): Promise<unknown> {
  const { name, network = '', port } = command;
  switch (command.do) {
    case 'create':
      return networks.create({ Name: name });
    case 'start':
    case 'half': {
      const containerId = randomBytes(32).toString('hex');
      const joining = networks.join(
        {
          ...{ containerId, containerName: name, hostname: name, dns: [], dnsSearch: [], dnsOptions: [] },
          endpoints: [{ network: networks.resolve(network), aliases: [] }],
          ports: port === undefined ? [] : [{ hostIp: '', hostPort: port, containerPort: 80, protocol: 'tcp' }],
        },
        AbortSignal.timeout(20_000),
      );
      if (command.do === 'half') return {}; // answered while it is being made
      const sandbox = await joining;
      const child = spawn('nsenter', [`--net=${sandbox.namespacePath}`, '--', 'sh', '-c', 'echo; exec sleep 1000'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      });
      await once(child.stdout, 'data');
      await networks.settle(containerId, child.pid ?? 0);
      return { containerId, pid: child.pid, address: sandbox.endpoints[network]?.IPAddress };
    }
    case 'leave':
      await networks.leave(name);
      return {};
    case 'remove':
      await networks.remove(name);
      return {};
    case 'stop':
      await networks.stop();
      return {};
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line) as Command).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
