import { TscomposeError } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { defineCommand } from '../command.js';
import { containerOf, nameOf } from '../containers.js';
import { integer, textOr } from '../flags.js';
import { projectName } from '../project.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/no-such-port': { readonly container: string; readonly port: string };
  }
}

export const portCommand = defineCommand({
  usage: 'SERVICE PRIVATE_PORT',
  flags: {
    index: integer('Number of the container, when the service has several'),
    protocol: textOr('tcp', 'tcp or udp', { placeholder: 'PROTOCOL' }),
  },
  relayable: () => true,
  run: async ({ flags, args: [service = '', wanted = ''], context }) => {
    const { signal, terminal } = context;
    const port = Number(wanted);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw invalidUsage(wanted, `"${wanted}" is not a port`);
    }
    const project = await projectName(context);
    const client = await context.engine();
    const target = { project, service, index: flags.index };
    const container = await containerOf(client, target, { stopped: true }, signal);
    const found = container.Ports.find(({ PrivatePort, Type }) => PrivatePort === port && Type === flags.protocol);
    if (found === undefined) {
      const has = container.Ports.map(({ PrivatePort, Type }) => `${PrivatePort}/${Type}`).join(', ');
      const name = nameOf(container);
      throw new TscomposeError({
        code: 'cli/no-such-port',
        message: `no port ${port}/${flags.protocol} for container ${name}: ${has}`,
        facts: { container: name, port: `${port}/${flags.protocol}` },
      });
    }
    const ip = found.IP ?? '';
    const host = ip === '' ? 'invalid IP' : ip.includes(':') ? `[${ip}]` : ip;
    terminal.stdout.write(`${host}:${found.PublicPort ?? 0}\n`);
    return 0;
  },
});
