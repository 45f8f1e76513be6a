/**
 * Judges a Compose file: against the Compose specification's JSON schema, and by what the schema cannot say.
 * The file's text comes in, complaints go out, each with its place; none means the file is good.
 * The schema is the one that the package `dclint` carries. No engine is asked and nothing is started.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** What is needed of a service beside what the schema checked. */
const serviceSchema = z.object({
  image: z.string().optional(),
  build: z.object({ dockerfile_inline: z.string().optional() }).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  volumes: z.array(z.string()).default([]),
});

const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()).default({}),
});

type Service = z.infer<typeof serviceSchema>;
type Compose = z.infer<typeof composeSchema>;

/** All complaints about a Compose file, `place: what is wrong`. */
export function judgeCompose(text: string): readonly string[] {
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0) return document.errors.map((error) => error.message);
  const content: unknown = document.toJS();
  const broken = againstSchema(content);
  if (broken.length > 0) return broken;
  const compose = composeSchema.safeParse(content);
  if (!compose.success) {
    return compose.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  }
  return Object.entries(compose.data.services).flatMap(([name, service]) =>
    judgeService(compose.data, service).map((complaint) => `services.${name}: ${complaint}`),
  );
}

function againstSchema(content: unknown): readonly string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(readSchema());
  if (validate(content)) return [];
  return (validate.errors ?? []).map(
    (error) =>
      `${error.instancePath || '/'}: ${error.message ?? error.keyword} ${JSON.stringify(error.params)}`,
  );
}

/** The schema names its draft by an address that ajv knows only with `http:` and `#`: it is draft 7 all the same. */
function readSchema(): Readonly<Record<string, unknown>> {
  const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const schema: unknown = JSON.parse(readFileSync(join(folder, 'schemas/compose.schema.json'), 'utf8'));
  const { $schema: _, ...rest } = z.record(z.string(), z.unknown()).parse(schema);
  return rest;
}

function judgeService(compose: Compose, service: Service): readonly string[] {
  return [
    ...imagesOf(service).flatMap((image) =>
      isPinned(image) ? [] : [`the image ${image} is not pinned to a version`],
    ),
    ...(service.healthcheck === undefined ? ['has no healthcheck'] : []),
    ...Object.entries(service.depends_on).flatMap(([name, { condition }]) => {
      const target = compose.services[name];
      if (target === undefined) return [`depends on ${name}, which is no service`];
      return condition === 'service_healthy' && target.healthcheck === undefined
        ? [`waits for the health of ${name}, which has no healthcheck`]
        : [];
    }),
    ...service.volumes.flatMap((mount) => {
      const [source = ''] = mount.split(':');
      const isNamed = /^[a-z0-9]/i.test(source);
      return isNamed && !Object.hasOwn(compose.volumes, source)
        ? [`uses the undeclared volume ${source}`]
        : [];
    }),
  ];
}

/** The image a service runs, or those its inline Dockerfile starts from. */
function imagesOf(service: Service): readonly string[] {
  const dockerfile = service.build?.dockerfile_inline ?? '';
  const bases = [...dockerfile.matchAll(/^\s*FROM\s+(\S+)/gim)].map((match) => match[1] ?? '');
  return service.image === undefined || service.build !== undefined ? bases : [service.image];
}

/** At least `major.minor`, or a digest: `postgres:18` moves under our feet. */
function isPinned(image: string): boolean {
  return /:v?\d+\.\d+[\w.-]*$/.test(image) || /@sha256:[0-9a-f]{64}$/.test(image);
}
