/**
 * Reads what a TypeScript file imports and which ambient powers (clock, randomness, environment) it uses.
 * Text comes in, facts with line numbers go out; the parser is oxc, because typescript 7 has no JavaScript API.
 * It never looks at types and never runs the file.
 */
import { type ImportDeclaration, parseSync, type StringLiteral, Visitor } from 'oxc-parser';

/** A file as the rules see it; `path` is relative to the project, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import of any form: static, side-effect, re-export, dynamic, `import('…').Type`, `require`. */
export interface FoundImport {
  /** What stands between the quotes; undefined when it is computed and cannot be known. */
  readonly specifier: string | undefined;
  readonly kind: 'value' | 'type';
  readonly line: number;
}

/** Something named in the code: `process.env`, `Date.now`, `new Date()`, `vi.mock('./x.ts')`, … */
export interface FoundUse {
  readonly name: string;
  readonly line: number;
}

/** A string or a template's text, without comments: where SQL would stand. */
export interface FoundText {
  readonly text: string;
  readonly line: number;
}

/** All that the rules need to know about one file. */
export interface ParsedSource {
  readonly path: string;
  readonly lineCount: number;
  readonly startsWithComment: boolean;
  readonly imports: readonly FoundImport[];
  readonly uses: readonly FoundUse[];
  readonly texts: readonly FoundText[];
}

/** Names worth reporting; which of them is allowed where is the rules' business. */
const watchedMembers: Readonly<Record<string, readonly string[]>> = {
  process: ['env', 'hrtime'],
  Date: ['now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin'],
  crypto: ['randomUUID', 'getRandomValues', 'randomBytes', 'randomInt'],
};

/** The same powers when they are imported by name. */
const watchedImports: Readonly<Record<string, RegExp>> = {
  process: /^(env|hrtime)$/,
  perf_hooks: /^performance$/,
  crypto: /^(randomUUID|getRandomValues|randomBytes|randomInt|webcrypto)$/,
  uuid: /^v\d$|^\*$/,
};

/**
 * Parses one file. Throws a plain Error on a file that does not parse: the type check says more about it.
 */
export function parseSource(file: SourceFile): ParsedSource {
  const { program, comments, errors } = parseSync(file.path, file.text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file.path} does not parse: ${error.message}`);
  const imports: FoundImport[] = [];
  const uses: FoundUse[] = [];
  const texts: FoundText[] = [];
  const lineOf = lineFinder(file.text);

  const addImport = (source: StringLiteral | null, kind: FoundImport['kind'], start: number): void => {
    if (source !== null) imports.push({ specifier: source.value, kind, line: lineOf(start) });
  };
  const addUse = (name: string, start: number): void => {
    uses.push({ name, line: lineOf(start) });
  };

  new Visitor({
    ImportDeclaration(node) {
      addImport(node.source, node.importKind === 'type' ? 'type' : 'value', node.start);
      for (const name of watchedNames(node)) addUse(name, node.start);
    },
    ExportNamedDeclaration(node) {
      addImport(node.source, node.exportKind === 'type' ? 'type' : 'value', node.start);
    },
    ExportAllDeclaration(node) {
      addImport(node.source, node.exportKind === 'type' ? 'type' : 'value', node.start);
    },
    TSImportType(node) {
      addImport(node.source, 'type', node.start);
    },
    ImportExpression(node) {
      imports.push({ specifier: literalText(node.source), kind: 'value', line: lineOf(node.start) });
    },
    CallExpression(node) {
      const callee = file.text.slice(node.callee.start, node.callee.end);
      const [argument] = node.arguments;
      const text = argument === undefined ? undefined : literalText(argument);
      if (callee === 'require') imports.push({ specifier: text, kind: 'value', line: lineOf(node.start) });
      if (callee === 'Date') addUse('Date()', node.start);
      if (/^vi\.(mock|doMock)$/.test(callee)) addUse(`${callee}('${text ?? '…'}')`, node.start);
    },
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
        addUse('new Date()', node.start);
      }
    },
    MemberExpression(node) {
      const object = file.text.slice(node.object.start, node.object.end).replace(/^globalThis\??\./, '');
      const property = node.property.type === 'Identifier' ? node.property.name : literalText(node.property);
      if (property !== undefined && isWatched(object, property)) addUse(`${object}.${property}`, node.start);
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || node.init?.type !== 'Identifier') return;
      for (const property of node.id.properties) {
        const key = property.type === 'Property' ? property.key : undefined;
        const name = key?.type === 'Identifier' ? key.name : undefined;
        if (name !== undefined && isWatched(node.init.name, name))
          addUse(`${node.init.name}.${name}`, node.start);
      }
    },
    Literal(node) {
      if (typeof node.value === 'string') texts.push({ text: node.value, line: lineOf(node.start) });
    },
    TemplateElement(node) {
      texts.push({ text: node.value.raw, line: lineOf(node.start) });
    },
  }).visit(program);

  return {
    path: file.path,
    lineCount: file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0),
    startsWithComment: comments[0] !== undefined && firstCodeOffset(file.text) === comments[0].start,
    imports,
    uses,
    texts,
  };
}

/** `crypto.randomBytes` for `import { randomBytes } from 'node:crypto'`; a namespace import counts as all of it. */
function watchedNames(node: ImportDeclaration): readonly string[] {
  const module = node.source.value.replace(/^node:/, '');
  const watched = watchedImports[module];
  if (watched === undefined || node.importKind === 'type') return [];
  const names = node.specifiers.map((specifier) => {
    if (specifier.type === 'ImportNamespaceSpecifier') return '*';
    if (specifier.type === 'ImportDefaultSpecifier') return 'default';
    return specifier.imported.type === 'Identifier' ? specifier.imported.name : specifier.imported.value;
  });
  return names.filter((name) => watched.test(name)).map((name) => `${module}.${name}`);
}

function isWatched(object: string, property: string): boolean {
  return Object.hasOwn(watchedMembers, object) && (watchedMembers[object]?.includes(property) ?? false);
}

/** The text of a string literal or of a template without holes. */
function literalText(node: object): string | undefined {
  if ('value' in node && typeof node.value === 'string') return node.value;
  if (!('quasis' in node) || !Array.isArray(node.quasis) || node.quasis.length !== 1) return undefined;
  const quasi: unknown = node.quasis[0];
  if (typeof quasi !== 'object' || quasi === null || !('value' in quasi)) return undefined;
  const { value } = quasi;
  if (typeof value !== 'object' || value === null || !('raw' in value)) return undefined;
  return typeof value.raw === 'string' ? value.raw : undefined;
}

/** Where the first thing after a `#!` line and white space stands. */
function firstCodeOffset(text: string): number {
  const shebang = /^#!.*\n/.exec(text)?.[0].length ?? 0;
  return shebang + (/^\s*/.exec(text.slice(shebang))?.[0].length ?? 0);
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next === -1 ? starts.length : next;
  };
}
