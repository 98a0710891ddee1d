import { renderExplanation } from '../../../../src/cli/render/explanation.js';
import { plainStyle } from '../../../../src/cli/render/style.js';
import { Mask, renderProject, traceProject, type LoadOptions } from '../../../../src/compose/index.js';
import { describe, expect, test } from 'vitest';
import { folder } from '../../compose/load-text.js';
import { questions, type Question } from './questions.js';

/** The flags the questions use, as options of a load. */
function optionsOf({ flags = '', shell = {} }: Question, cwd: string): LoadOptions {
  const words = flags.split(' ');
  const given = (...names: readonly string[]): readonly string[] =>
    words.flatMap((word, index) => (names.includes(words[index - 1] ?? '') ? [word] : []));
  return {
    cwd,
    environment: shell,
    files: given('-f'),
    envFiles: given('--env-file'),
    profiles: given('--profile'),
    projectName: given('-p')[0],
  };
}

/** What a person sees: the project, the question, the answer. */
function story({ title, files, shell = {}, flags = '', path }: Question, answer: string): string {
  const shown = Object.entries(files).map(([name, text]) => `--- ${name}\n${text}`);
  const variables = Object.entries(shell).map(([name, value]) => `${name}=${value} `);
  const command = `$ ${variables.join('')}tscompose ${flags === '' ? '' : `${flags} `}explain ${path}`;
  return `${title}\n\n${shown.join('')}\n${command}\n${answer}`;
}

function memberAt(value: unknown, path: string): unknown {
  const steps = path.match(/[^.[\]]+/g) ?? [];
  let member = value;
  for (const step of steps) member = (member as Record<string, unknown> | undefined)?.[step];
  return member;
}

const fileName = (title: string): string => `answers/${title.replace(/[^\w]+/g, '-').replace(/^-|-$/g, '')}.txt`;

describe('explain answers', () => {
  test.each(questions)('$title', async (question) => {
    const cwd = folder(question.files);
    const options = optionsOf(question, cwd);
    const explainer = await traceProject(options);
    const [explanation] = explainer.explain(question.path);
    if (explanation === undefined) throw new Error('no explanation');
    if (question.notInConfig !== true) {
      const config = renderProject(explainer.project, { format: 'json', escapeDollars: false });
      expect(explanation.value).toEqual(memberAt(JSON.parse(config), question.path));
    }
    const look = { style: plainStyle, cwd, width: undefined };
    const answer = renderExplanation(new Mask(explainer.secretCandidates()).explanation(explanation), look);
    await expect(story(question, answer.replaceAll(cwd, '/demo'))).toMatchFileSnapshot(fileName(question.title));
  });
});
