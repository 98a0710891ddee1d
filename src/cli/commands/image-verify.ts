import { TscomposeError } from '../../base/errors.js';
import { withDigest } from '../../registry/index.js';
import { fetchSignatures, judge } from '../../trust/index.js';
import { defineCommand } from '../command.js';
import { list } from '../flags.js';
import { publicKeyOf, withRemoteImage } from '../image-keys.js';
import { noKey } from './image-sign.js';

export const imageVerifyCommand = defineCommand({
  details:
    'What the registry has under that name now. With several keys one is enough. Prints the image with its digest, so ' +
    'that what was verified can be used; the exit code is 1 when there is no good signature.',
  usage: 'IMAGE',
  flags: { key: list('Public key in PEM; may be given several times', { placeholder: 'FILE' }) },
  run: async ({ flags, args: [image = ''], context }) => {
    if (flags.key.length === 0) throw noKey('the public key of whoever has signed it');
    const keys = await Promise.all(flags.key.map((path) => publicKeyOf(context, path)));
    await withRemoteImage(context, image, 'pull', async ({ reference, digest, session }) => {
      const { repository, tag } = reference;
      const { signatures, problems } = await fetchSignatures(session, [digest]);
      const verdict = judge(signatures, { repository, digests: [digest], tag }, keys, Date.now());
      if (!verdict.good) throw notSigned(reference.familiar, digest, flags.key, [...verdict.found, ...problems]);
      context.warn(`signed by ${verdict.key.name}`);
      context.terminal.stdout.write(`${withDigest(reference, digest).familiar}\n`);
    });
    return 0;
  },
});

function notSigned(
  image: string,
  digest: string,
  keys: readonly string[],
  found: readonly string[],
): TscomposeError<'trust/not-signed'> {
  const there = found.length === 0 ? 'it has none' : `there is ${found.join('; ')}`;
  return new TscomposeError({
    code: 'trust/not-signed',
    message: `image ${image} (${digest}) has no good signature by ${keys.join(' or ')}: ${there}`,
    facts: { image, digest, found },
    hint: 'tscompose image sign --key KEY IMAGE signs it',
  });
}
