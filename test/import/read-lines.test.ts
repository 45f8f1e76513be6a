/** Lines of files: ends, chunks, and files that cannot be read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { maxLineLength } from '../../src/import/history-record.ts';
import { readLines } from '../../src/import/read-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-lines-'));

afterAll(() => rmSync(folder, { recursive: true }));

async function linesOf(text: string): Promise<string[]> {
  const path = join(folder, 'lines.ndjson');
  writeFileSync(path, text);
  return collect(path);
}

async function collect(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(path).lines) lines.push(line);
  return lines;
}

test.each([
  ['', []],
  ['a', ['a']],
  ['a\nb\n', ['a', 'b']],
  ['a\r\n\r\nb', ['a', '', 'b']],
  ['ä€😀\n\n', ['ä€😀', '']],
])('%j is %j', async (text, lines) => {
  expect(await linesOf(text)).toEqual(lines);
});

test('lines that are longer than what is read at once stay whole', async () => {
  const lines = ['x'.repeat(200_000), 'ß'.repeat(100_001), 'y'];
  expect(await linesOf(lines.join('\n'))).toEqual(lines);
});

test('a file without line ends is not taken into memory', async () => {
  await expect(linesOf('x'.repeat(maxLineLength + 100_000))).rejects.toMatchObject({ reason: 'bad_line' });
});

test('a file that is absent, or is a folder, is said by name', async () => {
  for (const path of [join(folder, 'absent'), folder]) {
    await expect(collect(path)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'unreadable',
      message: expect.stringContaining(path),
    });
  }
});
