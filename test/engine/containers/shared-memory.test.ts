import { expect, test } from 'vitest';
import { engineMissing } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';

const missing = engineMissing();
const soon = () => AbortSignal.timeout(30_000);

test.skipIf(missing !== undefined)(
  `shared memory outlives the engine that mounted it (needs ${missing ?? 'nothing more'})`,
  async () => {
    await using engine = new EngineProcess();
    await engine.start();
    await engine.withBusybox();
    const none = { NetworkMode: 'none' };
    const create = async (script: string, IpcMode: string) => {
      const request = {
        Image: 'busybox',
        Cmd: ['sh', '-c', script],
        HostConfig: { ...none, IpcMode, ShmSize: 4 << 20 },
      };
      return (await engine.client.containers.create(request, {}, soon())).Id;
    };
    const donor = await create('echo before >/dev/shm/file; sleep 600', 'shareable');
    await engine.client.containers.start(donor, soon());
    await engine.kill();
    await engine.start();

    const joiner = await create(
      'cat /dev/shm/file; echo after >/dev/shm/file; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2',
      `container:${donor}`,
    );
    await engine.client.containers.start(joiner, soon());
    expect(await engine.client.containers.wait(joiner, {}, soon())).toMatchObject({ StatusCode: 0 });
    expect(await textOf(engine.client.containers.logs(joiner, {}, soon()))).toBe('before\n4096\n');

    const second = await create('cat /dev/shm/file', `container:${donor}`);
    await engine.client.containers.start(second, soon());
    await engine.client.containers.wait(second, {}, soon());
    expect(await textOf(engine.client.containers.logs(second, {}, soon()))).toBe('after\n');
  },
);

async function textOf(output: AsyncIterable<{ readonly payload: Buffer }>): Promise<string> {
  let text = '';
  for await (const { payload } of output) text += payload.toString();
  return text;
}
