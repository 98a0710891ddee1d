import { TscomposeError } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { withDigest } from '../../registry/index.js';
import { signImage } from '../../trust/index.js';
import { defineCommand } from '../command.js';
import { text } from '../flags.js';
import { passwordVariable, privateKeyOf, withRemoteImage } from '../image-keys.js';

export const imageSignCommand = defineCommand({
  details:
    'What the registry has under that name now, with all its platforms. The signature is put beside it, as cosign does; ' +
    `those of others stay. The password of an encrypted key is asked for, or taken from ${passwordVariable}.`,
  usage: 'IMAGE',
  flags: { key: text('Private key in PEM: ECDSA P-256 or Ed25519', { placeholder: 'FILE' }) },
  run: async ({ flags, args: [image = ''], context }) => {
    if (flags.key === undefined) throw noKey('a private key, as image keygen makes it');
    const key = await privateKeyOf(context, flags.key);
    await withRemoteImage(context, image, 'pull,push', async ({ reference, digest, session }) => {
      const pinned = withDigest(reference, digest).familiar;
      if (context.dryRun) {
        context.terminal.stdout.write(`would sign ${pinned}\n`);
        return;
      }
      const outcome = await signImage(session, reference, digest, key);
      if (outcome === 'known') context.warn('this key has signed it before');
      context.terminal.stdout.write(`${pinned}\n`);
    });
    return 0;
  },
});

export function noKey(what: string): TscomposeError<'usage/invalid'> {
  return invalidUsage('--key', `--key is missing: ${what}`);
}
