/**
 * Cells of a CSV file that a spreadsheet would take for a formula, and what is wanted by an Accept header.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvCell, exportType } from '../../src/http/history-export.ts';

describe('cells', () => {
  test.each([
    ['plain', '"plain"'],
    ['', '""'],
    ['say "so"', '"say ""so"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\t=1', `"'\t=1"`],
    ['\r=1', `"'\r=1"`],
    [' =1', `"' =1"`],
    ['\uff1d1', `"'\uff1d1"`],
    ['a=1', '"a=1"'],
  ])('%j becomes %j', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  test('whatever the text, the cell reads back as it, perhaps behind an apostrophe, and begins like no formula', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cell = csvCell(text);
        const inner = cell.slice(1, -1);
        expect(cell.startsWith('"') && cell.endsWith('"')).toBe(true);
        expect(inner.replaceAll('""', '')).not.toContain('"');
        const read = inner.replaceAll('""', '"');
        expect([text, `'${text}`]).toContain(read);
        expect(read).not.toMatch(/^[\s]*[=+\-@]/);
      }),
    );
  });
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['text/csv', 'text/csv'],
  ['TEXT/CSV; header=present', 'text/csv'],
  ['application/x-ndjson', 'application/x-ndjson'],
  ['text/csv;q=0.5, application/x-ndjson', 'application/x-ndjson'],
  ['text/html, text/csv;q=0.9, */*;q=0.1', 'text/csv'],
  ['application/json, text/csv', undefined],
  ['text/csv;q=0', undefined],
  ['text/csv;q=abc', undefined],
])('Accept: %s asks for %s', (accept, type) => {
  expect(exportType(accept)).toBe(type);
});
