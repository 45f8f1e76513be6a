/**
 * The rules of the house, each a function over parsed files that answers its violations as sentences.
 * The plan (who may import whom) comes in from house-plan.ts; test/architecture.test.ts runs the rules over the
 * real tree and over planted violations. A rule never touches the disk.
 */
import { posix } from 'node:path';
import {
  definesTables,
  domainPackages,
  emptyWords,
  knowsEverything,
  makesClockAndIds,
  maxFolders,
  maxLines,
  mayImport,
  packageRooms,
  type Room,
  readsEnvironment,
  withoutNode,
} from './house-plan.ts';
import type { FoundImport, ParsedSource } from './imports.ts';

/** Answers one sentence per violation, `path:line …`; none means the rule is kept. */
export type HouseRule = (sources: readonly ParsedSource[]) => readonly string[];

const isDataDefinition =
  /\b(create|alter|drop)\s+((or\s+replace|unlogged|temp\w*|unique)\s+)*(table|index|view|schema|trigger|function|type|role|sequence)\b/i;

const relativeImports: HouseRule = (sources) =>
  eachImport(sources, (source, found) => {
    const from = roomOf(source.path);
    if (from === undefined || found.specifier === undefined || !isRelative(found.specifier)) return undefined;
    const target = posix.join(posix.dirname(source.path), found.specifier);
    const to = roomOf(target);
    if (to === undefined)
      return isOutside(target) ? `imports ${target}, which is no part of the house` : undefined;
    return isAllowed(from, to, found.kind) ? undefined : `${from} must not import ${to} (${target})`;
  });

const packages: HouseRule = (sources) =>
  eachImport(sources, (source, found) => {
    const from = roomOf(source.path);
    if (from === undefined || found.specifier === undefined || isRelative(found.specifier)) return undefined;
    if (found.specifier.startsWith('node:')) {
      return withoutNode.includes(from) ? `${from} must not use Node's ${found.specifier}` : undefined;
    }
    const name = packageName(found.specifier);
    if (from === 'domain') return domainPackages.includes(name) ? undefined : `domain must not use ${name}`;
    return isPackageAllowed(from, name, found.kind) ? undefined : `${from} must not use ${name}`;
  });

const knownImports: HouseRule = (sources) =>
  eachImport(sources, (_source, found) =>
    found.specifier === undefined ? 'imports a computed name' : undefined,
  );

const environment: HouseRule = (sources) => placedUses(sources, /^process\.env$/, readsEnvironment);

const clockAndIds: HouseRule = (sources) =>
  placedUses(
    sources,
    /^(Date\.now|Date\(\)|new Date\(\)|Math\.random|process\.hrtime|(performance|perf_hooks|crypto|uuid)\..+)$/,
    makesClockAndIds,
  );

const ownMocks: HouseRule = (sources) =>
  sources.flatMap((source) =>
    source.uses
      .filter((use) => /^vi\.\w+\('(\.|#|…)/.test(use.name))
      .map((use) => `${source.path}:${use.line} mocks a module of our own: ${use.name}`),
  );

const dataDefinition: HouseRule = (sources) =>
  sources
    .filter((source) => !standsIn(source.path, definesTables))
    .flatMap((source) =>
      source.texts
        .filter(({ text }) => isDataDefinition.test(text))
        .map(({ line }) => `${source.path}:${line} holds DDL: that stands in migrations/ only`),
    );

const rooms: HouseRule = (sources) =>
  sources
    .filter((source) => roomOf(source.path) === undefined)
    .map((source) => `${source.path} stands in no room of the plan (test/support/house-plan.ts)`);

const size: HouseRule = (sources) =>
  sources
    .filter((source) => source.lineCount > maxLines)
    .map((source) => `${source.path} has ${source.lineCount} lines, at most ${maxLines} are allowed`);

const depth: HouseRule = (sources) =>
  sources
    .filter((source) => foldersOf(source.path).length > maxFolders)
    .map(
      (source) => `${source.path} lies ${foldersOf(source.path).length} folders deep, at most ${maxFolders}`,
    );

const names: HouseRule = (sources) =>
  sources
    .filter(
      ({ path }) =>
        ![...foldersOf(path), baseName(path)].every((name) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    )
    .map(({ path }) => `${path} is not kebab-case`);

const words: HouseRule = (sources) =>
  sources
    .filter(({ path }) => [...foldersOf(path), baseName(path)].some(isEmptyName))
    .map(({ path }) => `${path} is named for nothing: call it after what it is for`);

const barrels: HouseRule = (sources) =>
  sources
    .filter(({ path }) => baseName(path) === 'index' && path !== 'projections/index.ts')
    .map(({ path }) => `${path} is a barrel: import the file itself`);

const headers: HouseRule = (sources) =>
  sources
    .filter(({ path, startsWithComment }) => !path.startsWith('test/') && !startsWithComment)
    .map(({ path }) => `${path} does not begin with a header comment`);

/** All rules by name. */
export const houseRules = {
  'arrows point inward': relativeImports,
  'packages stay in their rooms': packages,
  'imports are literal': knownImports,
  'the environment is read by the settings': environment,
  'clock, randomness and ids come from the composition root': clockAndIds,
  'our own modules are not mocked': ownMocks,
  'DDL stands in migrations': dataDefinition,
  'every file stands in a room': rooms,
  'files are short': size,
  'folders are shallow': depth,
  'names are kebab-case': names,
  'names mean something': words,
  'there are no barrels': barrels,
  'files say what they are': headers,
} as const satisfies Readonly<Record<string, HouseRule>>;

function eachImport(
  sources: readonly ParsedSource[],
  judge: (source: ParsedSource, found: FoundImport) => string | undefined,
): readonly string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((found) => {
      const complaint = judge(source, found);
      return complaint === undefined ? [] : [`${source.path}:${found.line} ${complaint}`];
    }),
  );
}

function placedUses(
  sources: readonly ParsedSource[],
  name: RegExp,
  places: readonly string[],
): readonly string[] {
  return sources
    .filter((source) => !standsIn(source.path, places))
    .flatMap((source) =>
      source.uses
        .filter((use) => name.test(use.name))
        .map((use) => `${source.path}:${use.line} uses ${use.name}`),
    );
}

/** Whether the file is one of the places, or lies in one that ends in `/`. */
function standsIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)));
}

/** `src/http/routes/x.ts` is http, `src/main.ts` is main, `test/support/x.ts` is test. */
function roomOf(path: string): Room | undefined {
  const [top = '', second = ''] = path.split('/');
  const name = top === 'src' ? second.replace(/\.tsx?$/, '') : top;
  return isRoom(name) && isTopLevel(name) === (top !== 'src') ? name : undefined;
}

function isRoom(name: string): name is Room {
  return Object.hasOwn(mayImport, name);
}

function isTopLevel(room: Room): boolean {
  return room === 'projections' || room === 'scripts' || room === 'test';
}

function isAllowed(from: Room, to: Room, kind: FoundImport['kind']): boolean {
  const allowed = mayImport[from];
  return (
    from === to ||
    to === 'failure' ||
    allowed.includes(to) ||
    (kind === 'type' && allowed.includes(`${to}:types`))
  );
}

function isPackageAllowed(from: Room, name: string, kind: FoundImport['kind']): boolean {
  if (knowsEverything.includes(from)) return true;
  const entry = Object.entries(packageRooms).find(([pattern]) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
  if (entry === undefined) return true;
  return entry[1].includes(from) || (kind === 'type' && entry[1].includes(`${from}:types`));
}

/** Code outside the rooms; assets such as package.json and migrations may be read. */
function isOutside(target: string): boolean {
  return /\.tsx?$/.test(target) || target.startsWith('..');
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.') || specifier.startsWith('/');
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

function foldersOf(path: string): readonly string[] {
  return path.split('/').slice(0, -1);
}

/** The name without what says its kind: `pool` for `pool.integration.test.ts`. */
function baseName(path: string): string {
  return posix.basename(path).replace(/(\.integration|\.redis|\.disaster)?(\.test|\.bench|\.d)?\.tsx?$/, '');
}

function isEmptyName(name: string): boolean {
  return emptyWords.includes(name.split('-').at(-1) ?? name);
}
