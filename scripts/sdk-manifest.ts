/**
 * The manifest of the package @varve/sdk: what it is called, what it exports, what it needs.
 * Versions come from the project's own package.json, so that both say the same.
 */

/** What one can import, and the file in src/ that stands behind it, without its ending. */
const doors = {
  '.': 'sdk/varve-sdk',
  './openfeature': 'sdk/openfeature-provider',
  './llm': 'sdk/llm/varve-llm',
} as const;

const needed = ['immer', 'zod'] as const;
const openFeature = '@openfeature/server-sdk';

interface ProjectManifest {
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export interface SdkManifest {
  readonly json: object;
  /** The packages that its files import, the optional peer among them. */
  readonly needs: readonly string[];
  /** The files behind the doors, relative to the compiled folder, without their ending. */
  readonly entries: readonly string[];
}

export function sdkManifest(project: ProjectManifest): SdkManifest {
  const { version, license, engines, dependencies, devDependencies } = project;
  const exports = Object.entries(doors).map(([door, file]) => [
    door,
    { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` },
  ]);
  return {
    entries: Object.values(doors),
    needs: [openFeature, ...needed],
    json: {
      name: '@varve/sdk',
      version,
      description: 'Resolve the configuration of AI models in process, from a Varve server',
      license,
      type: 'module',
      engines,
      exports: Object.fromEntries(exports),
      files: ['dist'],
      sideEffects: false,
      dependencies: Object.fromEntries(needed.map((name) => [name, dependencies[name]])),
      peerDependencies: { [openFeature]: devDependencies[openFeature] },
      peerDependenciesMeta: { [openFeature]: { optional: true } },
    },
  };
}
