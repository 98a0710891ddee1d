import { renderExplanation } from '../../../../src/cli/render/explanation.js';
import { plainStyle } from '../../../../src/cli/render/style.js';
import { TscomposeError } from '../../../../src/base/errors.js';
import {
  loadProject,
  Mask,
  renderProject,
  traceProject,
  type LoadOptions,
  type Step,
} from '../../../../src/compose/index.js';
import { execFileSync } from 'node:child_process';
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

const withPeer = process.env['TSCOMPOSE_PEER'] === '1';

/** What docker compose makes of the same files, flags and variables. */
function peerConfig({ shell = {}, flags = '' }: Question, cwd: string): unknown {
  const { PATH = '', HOME = '', DOCKER_CONFIG = '' } = process.env;
  const args = ['compose', ...flags.split(' ').filter(Boolean), 'config', '--format', 'json'];
  const output = execFileSync('docker', args, { cwd, env: { PATH, HOME, DOCKER_CONFIG, ...shell }, stdio: 'pipe' });
  return JSON.parse(output.toString('utf8').replaceAll('$$', '$'));
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

/** With TSCOMPOSE_PEER=1 the values are held against `docker compose config` as well. */
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
    if (withPeer && question.notInConfig !== true && question.newer !== true) {
      expect(memberAt(peerConfig(question, cwd), question.path)).toEqual(explanation.value);
    }
    const look = { style: plainStyle, cwd, width: undefined };
    const answer = renderExplanation(new Mask(explainer.secretCandidates()).explanation(explanation), look);
    await expect(story(question, answer.replaceAll(cwd, '/demo'))).toMatchFileSnapshot(fileName(question.title));
  });
});

/** What the last step that says so came to. */
function lastValue(steps: readonly Step[]): string | undefined {
  const last = steps.findLast((step) => 'value' in step || step.kind === 'looked-up' || step.kind === 'literal');
  if (last === undefined || last.kind === 'literal') return undefined;
  return last.kind === 'looked-up' ? last.use.value : 'value' in last ? last.value : undefined;
}

test('every value of every project here has a story, and the story ends in the value', async () => {
  for (const question of questions) {
    const explainer = await traceProject(optionsOf(question, folder(question.files)));
    for (const { path, value, steps } of explainer.explain('')) {
      expect(steps, `${question.title}: ${path}`).not.toEqual([]);
      const last = lastValue(steps);
      if (last === undefined || path === 'name' || value === null || typeof value === 'object') continue;
      const shown = typeof value === 'string' ? value : JSON.stringify(value);
      expect(last.endsWith(shown), `${question.title}: ${path}: ${last} and ${shown}`).toBe(true);
    }
  }
});

test('a path that does not exist is named with its nearest neighbour', async () => {
  const cwd = folder({ 'compose.yaml': 'services:\n  web:\n    image: nginx\n    environment: {LOG_LEVEL: info}\n' });
  const explainer = await traceProject({ cwd, environment: {} });
  const hintOf = (path: string): string | undefined => {
    try {
      explainer.explain(path);
    } catch (error) {
      if (error instanceof TscomposeError) return `${error.message} (${error.hint ?? ''})`;
      throw error;
    }
    return undefined;
  };
  expect(hintOf('services.wbe.image')).toBe('the project has no services.wbe.image (did you mean "web" in services?)');
  expect(hintOf('services.web.environment.LOGLEVEL')).toBe(
    'the project has no services.web.environment.LOGLEVEL (did you mean "LOG_LEVEL" in services.web.environment?)',
  );
  expect(hintOf('volumes')).toContain('the project has no volumes');
});

test('a path that !reset took away says where', async () => {
  const cwd = folder({
    'compose.yaml': 'services:\n  web:\n    image: nginx\n    user: www\n',
    'compose.override.yaml': 'services:\n  web:\n    user: !reset null\n',
  });
  const explainer = await traceProject({ cwd, environment: {} });
  expect(() => explainer.explain('services.web.user')).toThrow(
    expect.objectContaining({ hint: `!reset at ${cwd}/compose.override.yaml:3:11 takes it away` }) as Error,
  );
});

test('keys may hold dots, and items may be written as in JavaScript', async () => {
  const cwd = folder({
    'compose.yaml': 'services:\n  web:\n    image: nginx\n    labels: {a.b: x, a: y}\n    ports: ["80:80"]\n',
  });
  const explainer = await traceProject({ cwd, environment: {} });
  const valueOf = (path: string): unknown => explainer.explain(path)[0]?.value;
  expect(valueOf('services.web.labels.a.b')).toBe('x');
  expect(valueOf('services.web.labels["a.b"]')).toBe('x');
  expect(valueOf('services.web.labels.a')).toBe('y');
  expect(valueOf('services.web.ports.0.target')).toBe(80);
  expect(valueOf('services["web"].ports[0].target')).toBe(80);
});

test('a narrow terminal gets short lines', async () => {
  const cwd = folder({
    'compose.yaml':
      'services:\n  web:\n    image: nginx\n    labels: {motto: "one two three four five six seven eight"}\n',
  });
  const [explanation] = (await traceProject({ cwd, environment: {} })).explain('services.web.labels.motto');
  if (explanation === undefined) throw new Error('no explanation');
  const text = renderExplanation(explanation, { style: plainStyle, cwd, width: 30 });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(30);
});

test('a load without a trace gives the same project', async () => {
  for (const question of questions) {
    const options = optionsOf(question, folder(question.files));
    const traced = (await traceProject(options)).project;
    const plain = await loadProject(options);
    expect(renderProject(plain, { format: 'yaml' })).toBe(renderProject(traced, { format: 'yaml' }));
  }
});
