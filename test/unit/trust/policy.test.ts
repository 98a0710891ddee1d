import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPolicy } from '../../../src/trust/index.js';
import { keyPair } from '../../support/signed.js';

const team = keyPair();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trust-'));
  writeFileSync(join(folder, 'team.pub'), team.publicPem);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function policy(text: string): Promise<(repository: string) => string> {
  const file = join(folder, 'trust.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  const read = await readPolicy(file);
  if (read === undefined) throw new Error('bug: the file is there');
  return (repository) => {
    const { demand, place } = read.ruleFor(repository);
    const keys = demand.kind === 'signed' ? ` ${demand.keys.map(({ name }) => name).join(' ')}` : '';
    return `${demand.kind}${keys} ${place}`.replaceAll(folder, '');
  };
}

describe('a policy', () => {
  test('is decided by the first rule that fits, and by its default where none does', async () => {
    const rule = await policy(`
version: 1
default: refuse
rules:
  - images: registry.example.com/team/public
    allow: true
  - images: [registry.example.com/team/**, "ghcr.io/acme/*"]
    signedBy: team.pub
  - images: docker.io/library/*
    allow: true
`);
    expect(rule('registry.example.com/team/public')).toBe('allow /trust.yaml:5');
    expect(rule('registry.example.com/team/a/b')).toBe('signed /team.pub /trust.yaml:7');
    expect(rule('ghcr.io/acme/a')).toBe('signed /team.pub /trust.yaml:7');
    expect(rule('ghcr.io/acme/a/b')).toBe('refuse the default of /trust.yaml');
    expect(rule('docker.io/library/nginx')).toBe('allow /trust.yaml:9');
    expect(rule('registry.example.com.evil.org/team/a')).toBe('refuse the default of /trust.yaml');
  });

  test('allows what it does not speak of', async () => {
    expect((await policy('version: 1\n'))('docker.io/library/nginx')).toBe('allow the default of /trust.yaml');
  });

  test.each([
    ['nginx', 'docker.io/library/nginx'],
    ['acme/app', 'docker.io/acme/app'],
    ['acme/*', 'docker.io/acme/app'],
    ['php*', 'docker.io/library/php-fpm'],
    ['localhost:5000/*', 'localhost:5000/app'],
    ['*/team/app', 'ghcr.io/team/app'],
    ['**', 'ghcr.io/a/b/c'],
  ])('takes the pattern %s for %s, as people write names', async (pattern, repository) => {
    const rule = await policy(`version: 1\nrules: [{images: "${pattern}", refuse: true}]\n`);
    expect(rule(repository)).toContain('refuse');
    expect(rule('quay.io/none/of')).toContain(pattern === '**' ? 'refuse' : 'allow');
  });

  test('takes keys as they are, and with the day they end', async () => {
    const pem = team.publicPem.trimEnd().split('\n').join('\n        ');
    const text = `version: 1\nrules:\n  - images: "**"\n    signedBy:\n      - |\n        ${pem}\n      - {key: team.pub, until: 2027-01-31}\n`;
    const read = await policy(text);
    expect(read('a.b/c')).toMatch(/^signed the key SHA256:[0-9a-f]{16} \/team.pub/);
  });

  test.each([
    ['version: 2\n', '"version: 1" is missing'],
    ['[', ''],
    ['version: 1\ndefault: maybe\n', '"default" is neither'],
    ['version: 1\nrule: []\n', 'has no "rule"'],
    ['version: 1\nrules:\n  - images: nginx\n', 'a rule says one thing'],
    ['version: 1\nrules:\n  - images: nginx\n    allow: true\n    refuse: true\n', 'a rule says one thing'],
    ['version: 1\nrules:\n  - images: nginx\n    signedBy: []\n', 'names no key'],
    ['version: 1\nrules:\n  - images: nginx\n    signedBy: absent.pub\n', 'absent.pub is not there'],
    ['version: 1\nrules:\n  - images: nginx:1\n    refuse: true\n', 'has a tag'],
    ['version: 1\nrules:\n  - images: nginx\n    signedBy: {key: team.pub, until: soon}\n', 'no date'],
  ])('that says %j is refused: %s', async (text, reason) => {
    await expect(policy(text)).rejects.toMatchObject({
      code: 'trust/bad-policy',
      message: expect.stringContaining(reason) as string,
    });
  });

  test('that others may write is refused, as is one with such a key', async () => {
    const file = join(folder, 'open.yaml');
    writeFileSync(file, 'version: 1\n');
    chmodSync(file, 0o666);
    await expect(readPolicy(file)).rejects.toMatchObject({ code: 'trust/bad-policy' });
    writeFileSync(join(folder, 'open.pub'), team.publicPem);
    chmodSync(join(folder, 'open.pub'), 0o666);
    const text = 'version: 1\nrules:\n  - images: nginx\n    signedBy: open.pub\n';
    await expect(policy(text)).rejects.toThrow('others than its owner may write it');
  });

  test('that is not there is none', async () => {
    expect(await readPolicy(join(folder, 'absent.yaml'))).toBeUndefined();
  });
});
