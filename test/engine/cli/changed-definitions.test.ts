import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { cliPath } from '../../support/run-cli.js';

const missing = engineMissing();

describe.skipIf(missing !== undefined)('a volume or network whose definition has changed', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  const file = (label: string): string => `
name: changing
services:
  db:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    volumes: [data:/data]
  side: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes_from: [db]}
volumes: {data: {labels: {is: "${label}"}}}
networks: {default: {labels: {is: "${label}"}}}
`;
  const write = (label: string): void => {
    writeFileSync(join(cwd, 'compose.yaml'), file(label));
  };
  const kept = async (): Promise<string> =>
    await sandbox.ok(['exec', '-T', 'side', 'sh', '-c', 'cat /data/kept 2>/dev/null || echo gone'], { cwd });
  const ids = async (): Promise<string> => await sandbox.ok(['ps', '-aq', '--no-trunc'], { cwd });

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('changing', { 'compose.yaml': file('first') });
    await sandbox.ok(['up', '-d'], { cwd });
    await sandbox.ok(['exec', '-T', 'db', 'sh', '-c', 'echo here > /data/kept'], { cwd });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('a program that does not say yes keeps the data, whatever its input; the network is replaced under its containers', async () => {
    const before = await ids();
    write('second');
    const up = await sandbox.run(['up', '-d'], { cwd, input: 'y\n' });
    expect(up).toMatchObject({ exitCode: 0 });
    expect(up.stderr).toContain('Volume changing_data was made with another definition; it is kept with its data');
    expect(up.stderr).toMatch(/Network changing_default +Removed/);
    expect(await kept()).toBe('here\n');
    expect(await ids()).toBe(before);
    const again = await sandbox.run(['up', '-d'], { cwd });
    expect(again.stderr).not.toContain('Network changing_default');
  });

  test('a person is asked, and only yes makes it anew', async () => {
    const answer = async (typed: string): Promise<string> => {
      const env = { ...process.env, ...sandbox.env };
      const child = spawn('script', ['-qec', `stty cols 200; ${cliPath} up -d`, '/dev/null'], { cwd, env });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const asked = said.includes('[y/N]');
        said += text;
        if (!asked && said.includes('[y/N]')) child.stdin.write(typed);
      });
      await once(child, 'close');
      return said;
    };
    expect(await answer('\r')).toContain(
      `Volume "changing_data" exists but doesn't match configuration in compose file. Recreate (data will be lost)? [y/N]`,
    );
    expect(await kept()).toBe('here\n');
    await answer('y\r');
    expect(await kept()).toBe('gone\n');
  });

  test('-y is a yes', async () => {
    await sandbox.ok(['exec', '-T', 'db', 'sh', '-c', 'echo here > /data/kept'], { cwd });
    write('third');
    await sandbox.ok(['up', '-d', '-y'], { cwd });
    expect(await kept()).toBe('gone\n');
    const again = await sandbox.run(['up', '-d'], { cwd });
    expect(again.stderr).not.toMatch(/definition|Recreate/);
  });
});
