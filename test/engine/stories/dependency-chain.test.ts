import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';

/** a needs b needs c needs d needs e; `middle` replaces the command of c. */
function chain(middle = 'sleep infinity'): string {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const services = names.map((name, index) => {
    const next = names[index + 1];
    const command = name === 'c' ? middle : 'sleep infinity';
    const lines = [`  ${name}:`, '    image: busybox', '    stop_grace_period: 0s', '    init: false'];
    lines.push(`    command: ["sh", "-c", ${JSON.stringify(command)}]`);
    if (name === 'c') lines.push('    healthcheck: {test: ["CMD", "true"], interval: 200ms, retries: 2}');
    if (next !== undefined) {
      lines.push(`    depends_on: {${next}: {condition: ${next === 'c' ? 'service_healthy' : 'service_started'}}}`);
    }
    return lines.join('\n');
  });
  return `name: chain\nservices:\n${services.join('\n')}\n`;
}

function order(stderr: string, status: string): string[] {
  return [...stderr.matchAll(new RegExp(`Container chain-(\\w)-1 +${status}$`, 'gm'))].map((match) => match[1] ?? '');
}

describe.skipIf(engineMissing() !== undefined)('a chain of five services', () => {
  const sandbox = new EngineSandbox();
  beforeAll(async () => {
    await sandbox.withBusybox();
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('comes up in order and stops in reverse', async () => {
    const cwd = sandbox.project('chain', { 'compose.yaml': chain() });
    const up = await sandbox.run(['--progress', 'plain', 'up', '-d'], { cwd });
    expect(up).toMatchObject({ exitCode: 0 });
    expect(order(up.stderr, 'Started')).toEqual(['e', 'd', 'c', 'b', 'a']);
    const stop = await sandbox.run(['--progress', 'plain', 'stop'], { cwd });
    expect(order(stop.stderr, 'Stopped')).toEqual(['a', 'b', 'c', 'd', 'e']);
    await sandbox.ok(['down'], { cwd });
  });

  test('a failing middle service stops the rest with one message that names it and shows its last lines', async () => {
    const cwd = sandbox.project('chain', { 'compose.yaml': chain('echo cannot reach the database >&2; exit 7') });
    const up = await sandbox.run(['--progress', 'plain', 'up', '-d'], { cwd });
    expect(up.exitCode).toBe(1);
    expect(order(up.stderr, 'Started')).not.toContain('b');
    expect(order(up.stderr, 'Started')).not.toContain('a');
    expect(up.stderr).toContain('"c"');
    expect(up.stderr).toMatch(/exit(ed)? (with )?(code )?7|exited \(7\)/);
    expect(up.stderr).toContain('cannot reach the database');
    await sandbox.ok(['down'], { cwd });
  });
});
