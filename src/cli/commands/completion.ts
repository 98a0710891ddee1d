import { invalidUsage } from '../../base/invalid-usage.js';
import { defineCommand } from '../command.js';
import { completionScripts } from '../completion/scripts.js';

export const completionCommand = defineCommand({
  details:
    'bash: eval "$(tscompose completion bash)" in ~/.bashrc\n' +
    'zsh: source <(tscompose completion zsh) in ~/.zshrc, after compinit\n' +
    'fish: tscompose completion fish > ~/.config/fish/completions/tscompose.fish',
  usage: 'SHELL',
  flags: {},
  run: ({ args: [shell], context }) => {
    if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish') {
      throw invalidUsage(
        undefined,
        shell === undefined ? 'no shell named' : `no completion for "${shell}"`,
        'there are bash, zsh and fish',
      );
    }
    context.terminal.stdout.write(completionScripts[shell]);
    return Promise.resolve(0);
  },
});
