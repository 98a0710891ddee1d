import type { ParserDirectives } from '../dockerfile/lines.js';
import { syntaxError } from '../dockerfile/syntax-error.js';
import { experimentalRules, type RuleName } from './rules.js';

/** What the `# check=…` directive says. */
export interface LintOptions {
  readonly asError: boolean;
  readonly makes: (rule: RuleName) => boolean;
}

/** @throws `build/syntax` for an option nobody knows; names of rules nobody knows are passed over, as BuildKit does */
export function lintOptions(check: ParserDirectives['check']): LintOptions {
  const given = { skip: '', experimental: '', error: 'false' };
  if (check !== undefined) {
    for (const part of check.text.split(';').filter((text) => text.trim() !== '')) {
      const [, name = '', value = ''] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
      if (!isOption(name)) throw syntaxError(check.at, `invalid check option "${part.trim()}"`);
      given[name] = value;
    }
    if (!/^(true|false|1|0|t|f)$/i.test(given.error)) {
      throw syntaxError(check.at, `failed to parse check option "error=${given.error}"`);
    }
  }
  const names = (list: string, rule: RuleName): boolean =>
    list === 'all' || list.split(',').some((name) => name.trim() === rule);
  return {
    asError: /^(true|1|t)$/i.test(given.error),
    makes: (rule) => (experimentalRules.includes(rule) ? names(given.experimental, rule) : !names(given.skip, rule)),
  };

  function isOption(name: string): name is keyof typeof given {
    return Object.hasOwn(given, name);
  }
}
