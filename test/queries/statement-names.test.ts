/**
 * A prepared statement's name belongs to one text alone: a connection that has prepared it refuses every other text of
 * the same name, for as long as it lives.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folders = ['src', 'projections'];

test('no two statements have one name', () => {
  const places = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) =>
        [...readFileSync(`${folder}/${path}`, 'utf8').matchAll(/\bname: '([^']+)',\s*text: /g)].map(
          ([, name = '']) => ({ name, path }),
        ),
      ),
  );
  expect(places.length).toBeGreaterThan(50);
  const names = places.map(({ name }) => name);
  expect(places.filter(({ name }, index) => names.indexOf(name) !== index)).toEqual([]);
});
