import { TscomposeError } from '../../base/errors.js';
import { isNotFound, type EngineClient } from '../../client/index.js';
import { renderProject, type Project } from '../../compose/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { compare, nameOf } from '../containers.js';
import { text, textOr } from '../flags.js';
import { modelOfContainers, type Described } from '../generate-model.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/nothing-to-describe': { readonly containers: readonly string[] };
  }
}

export const alphaGenerateCommand = defineCommand({
  details: 'Containers are named by id or part of the name. What their images set is left out.',
  usage: 'CONTAINER...',
  flags: {
    format: textOr('yaml', 'yaml or json', { placeholder: 'FORMAT', choices: ['yaml', 'json'] }),
    name: text('Name of the project in the file', { placeholder: 'NAME' }),
    projectDir: text('Accepted, as docker compose does; nothing in the file depends on it', { placeholder: 'FOLDER' }),
  },
  run: async ({ flags, args, context }) => {
    const format = choiceOf('--format', flags.format, ['yaml', 'json']);
    const { terminal, signal } = context;
    const client = await context.engine();
    const described = await describe(client, args, signal);
    const project: Project = {
      ...{ name: flags.name ?? '', workingDir: terminal.cwd, composeFiles: [], remotes: [], envFiles: [] },
      ...{ unusedResources: {}, disabledServices: {}, profiles: [], environment: {}, locate: () => undefined },
      model: modelOfContainers(flags.name ?? '', described),
    };
    terminal.stdout.write(`${renderProject(project, { format }).trimEnd()}\n`);
    return 0;
  },
});

async function describe(client: EngineClient, wanted: readonly string[], signal: AbortSignal): Promise<Described[]> {
  const lists = await Promise.all(
    (['name', 'id'] as const).map((key) => client.containers.list({ all: true, filters: { [key]: wanted } }, signal)),
  );
  const found = new Map(lists.flat().map((container) => [container.Id, container]));
  if (found.size === 0) {
    throw new TscomposeError({
      code: 'cli/nothing-to-describe',
      message: `no container(s) found with the following name(s): ${wanted.join(',')}`,
      facts: { containers: wanted },
    });
  }
  const sorted = [...found.values()].sort((a, b) => compare(nameOf(a), nameOf(b)));
  return await Promise.all(
    sorted.map(async ({ Id }) => {
      const container = await client.containers.inspect(Id, signal);
      try {
        return { container, image: (await client.images.inspect(container.Image, signal)).Config };
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return { container, image: undefined };
      }
    }),
  );
}
