import { expect, test } from 'vitest';
import { plainStyle } from '../../../../src/cli/render/style.js';
import { renderLint, renderVariable } from '../../../../src/cli/render/variables.js';
import { inspectVariables, Mask, type LoadOptions } from '../../../../src/compose/index.js';
import { folder, type Files } from '../../compose/load-text.js';

async function inspect(
  files: Files,
  options: Partial<LoadOptions> = {},
): Promise<{ variables: string; lints: string }> {
  const cwd = folder(files);
  const { variables, lints, values } = await inspectVariables({ cwd, environment: {}, ...options });
  const look = { style: plainStyle, cwd, width: undefined };
  const mask = new Mask(values);
  return {
    variables: variables.map((one) => renderVariable(mask.variable(one), look)).join('\n'),
    lints: lints.map((lint) => renderLint(lint, look)).join(''),
  };
}

const shop = {
  'compose.yaml': `include: [db/compose.yaml]
services:
  web:
    image: nginx:\${TAG:-latest}
    command: ["--host", "\${HOST}", "--tag=$TAG"]
    environment:
      - MODE
      - URL=http://\${HOST}:\${PORT:-80}/
`,
  'db/compose.yaml': 'services:\n  db:\n    image: postgres:${PG}\n    environment: {PASS: "${DB_PASSWORD:?}"}\n',
  'db/.env': 'PG=16\nDB_PASSWORD=correct-horse\n',
  '.env': 'TAG=1.27\nHOST=${DOMAIN:-localhost}\nUNUSED=1\n',
};

test('every variable with its places, the winner and each use', async () => {
  const { variables } = await inspect(shop, { environment: { TAG: '1.29', MODE: 'test' } });
  await expect(variables).toMatchFileSnapshot('answers/variables.txt');
});

test('keys of .env that nothing uses, and those the shell hides', async () => {
  const { lints } = await inspect(shop, { environment: { TAG: '1.29', MODE: 'test' } });
  expect(lints).toMatchInlineSnapshot(`
    ".env:1:1: warning: TAG has no effect here: the shell sets it too, and wins  [shadowed-variable]
      hint: unset TAG in the shell, or remove it here
    .env:3:1: warning: nothing uses UNUSED  [unused-env-key]
      hint: env files fill in \${UNUSED} in compose files; for a container write it under environment
    "
  `);
});

const web = (...lines: readonly string[]): string =>
  ['services:', '  web:', '    image: nginx', ...lines.map((line) => `    ${line}`), ''].join('\n');

test('a key of .env is named with the variable it was probably meant for', async () => {
  const { lints } = await inspect({ 'compose.yaml': web('user: "${APP_USER}"'), '.env': 'APP_USSER=www\n' });
  expect(lints).toMatchInlineSnapshot(`
    ".env:1:1: warning: nothing uses APP_USSER  [unused-env-key]
      hint: did you mean "APP_USER"?
    compose.yaml:4:12: warning: APP_USER is not set and has no default: it is left blank  [unset-variable]
      hint: did you mean "APP_USSER"?
    "
  `);
});

test('a file that is also an env_file may hold what it likes', async () => {
  const { lints } = await inspect({ 'compose.yaml': web('env_file: .env'), '.env': 'ANYTHING=1\n' });
  expect(lints).toBe('');
});

test('settings of programs need no mention', async () => {
  const files = { 'compose.yaml': web(), '.env': 'COMPOSE_PROJECT_NAME=x\nDOCKER_BUILDKIT=1\nHTTPS_PROXY=a\n' };
  expect((await inspect(files)).lints).toBe('');
});

test('the later of two env files hides the earlier one', async () => {
  const files = { 'compose.yaml': web('user: ${ID}'), 'a.env': 'ID=1\n', 'b.env': 'ID=2\n' };
  const { lints } = await inspect(files, { envFiles: ['a.env', 'b.env'] });
  expect(lints).toMatchInlineSnapshot(`
    "a.env:1:1: warning: ID has no effect here: b.env:1:1 sets it too, and wins  [shadowed-variable]
      hint: remove one of the two
    "
  `);
});

test('hashes whose dollars are not doubled, also where they stop the project from loading', async () => {
  const files = {
    'compose.yaml': web('environment:', '  A: $apr1$abc$def', '  B: $2y$10$abcdef', '  C: $$2y$$10$$abcdef', '# $1$'),
  };
  expect((await inspect(files)).lints).toMatchInlineSnapshot(`
    "compose.yaml:5:10: warning: $apr1$ looks like the beginning of a hash, but its dollars start variables  [unescaped-dollar]
      hint: write $$ for each dollar that is meant as such
    compose.yaml:6:10: warning: $2y$ looks like the beginning of a hash, but its dollars start variables  [unescaped-dollar]
      hint: write $$ for each dollar that is meant as such
    "
  `);
});

test('variables that were meant for the shell in the container', async () => {
  const files = {
    'compose.yaml': web(
      'command: sh -c "cd $HOME && echo $item $$item ${TAG} ${X:-1}"',
      'healthcheck: {test: "curl $HOSTNAME"}',
      'user: $USER',
    ),
    '.env': 'TAG=1\n',
  };
  const { lints } = await inspect(files, { environment: { HOME: '/root', HOSTNAME: 'me', USER: 'me' } });
  expect(lints).toMatchInlineSnapshot(`
    "compose.yaml:4:24: warning: $HOME is filled in before the container starts, and it is set on this machine  [unescaped-dollar]
      hint: write $$HOME for the shell in the container to fill it in
    compose.yaml:4:38: warning: $item is filled in before the container starts, and nothing sets it here  [unescaped-dollar]
      hint: write $$item for the shell in the container to fill it in
    compose.yaml:5:31: warning: $HOSTNAME is filled in before the container starts, and it is set on this machine  [unescaped-dollar]
      hint: write $$HOSTNAME for the shell in the container to fill it in
    "
  `);
});
