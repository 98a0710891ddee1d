import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { generateKeys } from '../../trust/index.js';
import { askPassword } from '../ask-password.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { passwordVariable } from '../image-keys.js';

export const imageKeygenCommand = defineCommand({
  details:
    'ECDSA P-256 in PEM: NAME.key, which is yours alone, and NAME.pub for those who verify. The private key is encrypted ' +
    `with a password that is asked for, or taken from ${passwordVariable}.`,
  usage: '[NAME]',
  flags: { noPassword: flag('Leave the private key as it is, readable for whoever has the file') },
  run: async ({ flags, args: [name = 'tscompose'], context: { terminal, dryRun } }) => {
    const [key, pub] = [`${name}.key`, `${name}.pub`];
    if (dryRun) {
      terminal.stdout.write(`would write ${key} and ${pub}\n`);
      return 0;
    }
    const password = flags.noPassword
      ? undefined
      : await askPassword(terminal, passwordVariable, 'Password for the private key: ');
    if (password === '')
      throw invalidUsage('--no-password', 'an empty password protects nothing; --no-password says so');
    const { privatePem, publicPem } = generateKeys(password);
    await writeNew(resolve(terminal.cwd, key), key, privatePem, 0o600);
    try {
      await writeNew(resolve(terminal.cwd, pub), pub, publicPem, 0o644);
    } catch (error) {
      await rm(resolve(terminal.cwd, key)); // half a pair would only be in the way of a whole one
      throw error;
    }
    terminal.stdout.write(`${key}\n${pub}\n`);
    return 0;
  },
});

/** Never over a key there is: what it has signed would be lost. */
async function writeNew(path: string, shown: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw invalidUsage('NAME', `${shown} is there already, and is not written over`);
  }
}
