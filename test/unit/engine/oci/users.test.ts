import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readAccountFiles, resolveUser } from '../../../../src/engine/oci/users.js';
import { folderPerTest } from '../../../support/test-folder.js';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/srv/app:/bin/sh\nodd:x:nonsense:1:::\n',
  group: 'root:x:0:\nwheel:x:10:root,app\napp:x:1001:\nextra:x:77:\n',
};
const resolve = (text: string, groupAdd: string[] = []) => resolveUser(files, text, groupAdd);

test('nobody named is root, with root’s groups', () => {
  expect(resolve('')).toMatchObject({ uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' });
});

test('a user by name or number has the group, groups and home of the account', () => {
  const app = { uid: 1000, gid: 1001, additionalGids: [1001, 10], home: '/srv/app' };
  expect(resolve('app')).toMatchObject(app);
  expect(resolve('1000')).toMatchObject(app);
});

test('a group that is given replaces all others but those added', () => {
  expect(resolve('app:extra', ['10'])).toMatchObject({ uid: 1000, gid: 77, additionalGids: [77, 10] });
});

test('a number without account stands for itself', () => {
  expect(resolve('4242')).toMatchObject({ uid: 4242, gid: 0, additionalGids: [0], home: '/' });
  expect(resolve('4242:4343')).toMatchObject({ uid: 4242, gid: 4343, additionalGids: [4343] });
});

test('unknown names are refused in Docker’s words', () => {
  expect(() => resolve('nobody')).toThrow('unable to find user nobody: no matching entries in passwd file');
  expect(() => resolve('app:nogroup')).toThrow('unable to find group nogroup: no matching entries in group file');
  expect(() => resolve('', ['nogroup'])).toThrow('Unable to find group nogroup: no matching entries in group file');
});

let root: string;
folderPerTest((path) => (root = path));
beforeEach(() => {
  mkdirSync(join(root, 'rootfs/etc'), { recursive: true });
});

test('the files are looked for beneath the root, wherever links lead', () => {
  writeFileSync(join(root, 'passwd'), 'leak:x:5:5::/:/bin/sh\n');
  symlinkSync('../../passwd', join(root, 'rootfs/etc/passwd'));
  symlinkSync(join(root, 'passwd'), join(root, 'rootfs/etc/group'));
  expect(readAccountFiles(join(root, 'rootfs'))).toEqual({ passwd: '', group: '' });
  writeFileSync(join(root, 'rootfs/passwd'), 'inside\n');
  expect(readAccountFiles(join(root, 'rootfs')).passwd).toBe('inside\n');
});
