import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { languagePage, renderLanguage, untested } from '../../../engine/builder/page.js';

if (process.env['TSCOMPOSE_WRITE_DOCKERFILE_PAGE'] === '1') writeFileSync(languagePage, renderLanguage());

test('the page of the Dockerfile language has a line for every case', () => {
  expect(readFileSync(languagePage, 'utf8')).toBe(renderLanguage());
});

test('no instruction and no flag is without a test', () => {
  expect(untested()).toEqual([]);
});
