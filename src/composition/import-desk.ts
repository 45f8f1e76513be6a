/**
 * Imports as the HTTP side hands them over and looks at them: rows in a table, and a word to whoever works them off.
 */
import type pg from 'pg';
import type { ImportDesk } from '../http/dependencies.ts';
import { cancelImport, findImport, insertImport, listImports } from '../queries/imports.ts';

/** `onOpened`: an import waits. If it is not heard, the next scheduled run finds it. */
export function createImportDesk(pool: pg.Pool, onOpened: () => void): ImportDesk {
  return {
    async open(made, changesets) {
      const record = await insertImport(pool, made, changesets);
      onOpened();
      return record;
    },
    find: (...question) => findImport(pool, ...question),
    list: (...question) => listImports(pool, ...question),
    cancel: (...question) => cancelImport(pool, ...question),
  };
}
