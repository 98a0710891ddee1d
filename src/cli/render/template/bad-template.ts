import { TscomposeError } from '../../../base/errors.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'cli/bad-template': { readonly action: string };
  }
}

export function badTemplate(action: string, problem: string): TscomposeError<'cli/bad-template'> {
  return new TscomposeError({
    code: 'cli/bad-template',
    message: `--format: "${action}" ${problem}`,
    facts: { action },
    hint: 'fields look like {{.Name}}, functions like {{json .Labels}} or {{.State | upper}}',
  });
}
