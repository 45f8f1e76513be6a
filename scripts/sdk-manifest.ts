/**
 * The manifest of the package @varve/sdk: what it is called, what it exports, what it needs.
 * Versions come from the project's own package.json, so that both say the same.
 */
import { z } from 'zod';

/** What one can import, and the file in src/ that stands behind it, without its ending. */
const doors = {
  '.': 'sdk/varve-sdk',
  './openfeature': 'sdk/openfeature-provider',
  './llm': 'sdk/llm/varve-llm',
} as const;

const needed = ['immer', 'zod'] as const;
const openFeature = '@openfeature/server-sdk';

const versions = z.record(z.string(), z.string());
const projectSchema = z.object({
  version: z.string(),
  license: z.string(),
  engines: versions,
  dependencies: versions,
  devDependencies: versions,
});

export interface SdkManifest {
  readonly json: object;
  /** The packages that its files import, the optional peer among them. */
  readonly needs: readonly string[];
  /** The files behind the doors, relative to the compiled folder, without their ending. */
  readonly entries: readonly string[];
}

/** `project` is the text of the project's package.json. */
export function sdkManifest(project: string): SdkManifest {
  const { version, license, engines, dependencies, devDependencies } = projectSchema.parse(
    JSON.parse(project),
  );
  const exports = Object.entries(doors).map(
    ([door, file]) => [door, { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` }] as const,
  );
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
      peerDependencies: { [openFeature]: `^${devDependencies[openFeature] ?? ''}` },
      peerDependenciesMeta: { [openFeature]: { optional: true } },
    },
  };
}
