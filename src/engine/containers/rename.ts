import { TscomposeError } from '../../base/errors.js';
import type { Container } from './container.js';
import { publish, type Room } from './room.js';

/** @throws `container/invalid-name`, `container/name-in-use` */
export function renameContainer(room: Room, container: Container, wanted: string): Promise<void> {
  return container.exclusive(async () => {
    const name = wanted.replace(/^\//, '');
    const old = container.record.name;
    if (name === '') {
      const message = 'Neither old nor new names may be empty';
      throw new TscomposeError({ code: 'container/invalid-name', message, facts: { name } });
    }
    if (name === old) {
      const message = 'Renaming a container with the same name as its current name';
      throw new TscomposeError({ code: 'container/invalid-name', message, facts: { name } });
    }
    room.registry.takeName(name, container.id);
    try {
      await container.change({ name });
    } catch (error) {
      room.registry.freeName(name, container.id);
      throw error;
    }
    room.registry.freeName(old, container.id);
    if (container.isLive) await room.networks.rename(container.id, name);
    publish(room, container, 'rename', { oldName: `/${old}` });
  });
}
