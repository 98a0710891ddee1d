import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { entries } from '../../engine/conformance/entries/index.js';
import { conformancePage, expectedLines, linesOf, repeated } from '../../engine/conformance/table.js';
import { renderSecurity, securityPage } from '../../engine/conformance/security/page.js';
import { rules } from '../../engine/conformance/security/rules.js';
import { attributesWithout, fieldsWithout } from '../../engine/conformance/coverage.js';

test('the security page is what its rules say', () => {
  expect(readFileSync(securityPage, 'utf8')).toBe(renderSecurity(rules));
});

describe('the conformance page', () => {
  const page = readFileSync(conformancePage, 'utf8');

  test('has a line for each entry, in order', () => {
    expect(linesOf(page)).toEqual(expectedLines(entries));
  });

  test('tells entries apart by their names', () => {
    expect(repeated(entries)).toEqual([]);
  });

  test('shows no failure', () => {
    expect(page).not.toContain('| fails |');
  });

  test('leaves no attribute of a service out', () => {
    expect(attributesWithout(entries)).toEqual([]);
  });

  test('leaves no member of a create request out', () => {
    expect(fieldsWithout(entries)).toEqual([]);
  });
});
