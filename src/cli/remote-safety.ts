import { TscomposeError } from '../base/errors.js';
import { listVariables, type Project, type TemplateVariable } from '../compose/index.js';
import { isRemoteReference, shownReference } from '../remote/index.js';
import { answerTo } from './confirm.js';
import type { CliContext } from './context.js';
import { loadOptions } from './project.js';
import { renderTable, titled } from './render/table.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/declined': { readonly question: string };
  }
}

/**
 * Asks before a project from elsewhere is run: whether what it includes from yet elsewhere is trusted, and whether the
 * variables it reads may be given to it. Says where its files are. A local project is not asked about.
 * @throws `cli/declined`, also where nobody answers
 */
export async function confirmRemoteProject(
  context: CliContext,
  project: Project,
  answer: 'ask' | 'assume yes',
): Promise<void> {
  const { globals, terminal, progressMode } = context;
  const [main] = globals.file;
  if (main === undefined || !isRemoteReference(main)) return;
  const included = project.remotes.filter((reference) => !globals.file.includes(reference)).map(shownReference);
  if (answer === 'ask' && included.length > 0) {
    terminal.stdout.write(`\nWarning: this project takes files from elsewhere:\n`);
    for (const reference of included) terminal.stdout.write(`  - ${reference}\n`);
    await insist(context, '\nThey may do harm. Do you trust them and want to continue? [y/N]: ', 'no');
  }
  if (progressMode !== 'quiet' && progressMode !== 'json') {
    terminal.stdout.write(`Your compose stack "${shownReference(main)}" is stored in "${project.workingDir}"\n`);
  }
  if (answer === 'assume yes') return;
  const variables = await listVariables({ ...loadOptions(context), onWarning: undefined });
  if (variables.length === 0) return;
  terminal.stdout.write(`\nFound the following variables in configuration:\n${table(variables, project)}`);
  await insist(context, '\nDo you want to proceed with these variables? [Y/n]: ', 'yes');
}

function table(variables: readonly TemplateVariable[], { environment }: Project): string {
  const rows = variables.map(({ name, required, defaultValue }) => {
    const set = environment[name];
    const [value, source] =
      set !== undefined
        ? [set, 'environment']
        : defaultValue === ''
          ? ['<unset>', 'none']
          : [defaultValue, 'compose file'];
    return [name, value, source, required ? 'yes' : 'no', defaultValue];
  });
  return renderTable(titled(['VARIABLE', 'VALUE', 'SOURCE', 'REQUIRED', 'DEFAULT']), rows);
}

/** An empty answer counts as `usual` from a person; a program has to say it. */
async function insist(context: CliContext, question: string, usual: 'yes' | 'no'): Promise<void> {
  const { stdin, stdout } = context.terminal;
  const said = await answerTo(context, question, stdout);
  const isPerson = stdin.isTTY === true;
  const word = said === '' && isPerson ? usual : said;
  const yes = isPerson ? ['1', 't', 'true', 'y', 'yes'] : ['1', 't', 'true', 'y']; // docker compose's, for programs
  if (word !== undefined && yes.includes(word)) return;
  throw new TscomposeError({
    code: 'cli/declined',
    message: 'operation cancelled by user',
    facts: { question: question.trim() },
    hint: '--yes answers every question with yes',
  });
}
