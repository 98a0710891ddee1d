import type { CommandGroup } from '../command.js';

export const imageCommands: CommandGroup = {
  details:
    'Signatures lie beside the image in its registry, as cosign puts them there, and are made and checked with keys of ' +
    'your own. A trust policy has the engine check them before an image is pulled or run: see docs/trust.md.',
  subcommands: [
    {
      name: 'keygen',
      summary: 'Make a pair of keys',
      load: async () => (await import('./image-keygen.js')).imageKeygenCommand,
    },
    {
      name: 'sign',
      summary: 'Sign an image in its registry',
      load: async () => (await import('./image-sign.js')).imageSignCommand,
    },
    {
      name: 'verify',
      summary: 'Tell whether an image is signed by a key',
      load: async () => (await import('./image-verify.js')).imageVerifyCommand,
    },
  ],
};
