/**
 * An open world: what it resolves, what its models cost, and its subjects one by one.
 * Questions come in, excerpts and prices of that world go out, from memory as long as the head is its point and from the
 * tables once it has moved on; both say the same. Nothing that is handed out changes afterwards.
 */
import { type Asked, type Excerpt, excerptOf } from '../../domain/compare/excerpt.ts';
import { enterWorld, isBeforeDraft, priceIn, type World } from '../../domain/compare/world.ts';
import type { Pricing } from '../../domain/pricing.ts';
import type { Reads } from '../../domain/reads.ts';
import type { SubjectState } from '../../domain/subject-state.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import { createPastExcerpts, subjectsAt } from './past-state.ts';

export interface OpenWorld {
  readonly world: World;
  /** Whether it is seen before its point was recorded: the ledger of that point is asked about its past. */
  readonly isEarly: boolean;
  /** What resolve() needs for these keys and contexts in this world. */
  excerptFor(asked: Asked): Promise<Excerpt>;
  /** What models cost in this world at its moment; undefined where nothing is known. */
  pricesFor(ids: readonly string[]): Promise<ReadonlyMap<string, Pricing | undefined>>;
  /** These subjects (overrides, keys and models) in this world, no arm imposed; what is not there is left out. */
  subjects(names: readonly string[]): Promise<ReadonlyMap<string, SubjectState>>;
  /** How many allocations had the world's arm, of those that were asked so far. */
  armsFound(): number;
}

type WorldReads = Pick<Reads, 'waitFor' | 'subjectsAt' | 'pricesOfModels'>;

export function bindWorld(reads: WorldReads, ledger: LiveLedger, world: World, isEarly: boolean): OpenWorld {
  const { name, state } = ledger;
  const pastExcerpts = createPastExcerpts(reads, ledger, world);
  let found = 0;
  return {
    world,
    isEarly,
    async excerptFor(asked) {
      const isLive = state.revision === world.asOf && world.at >= state.recordedAt;
      const entered = isLive ? excerptOf(state, asked) : await pastExcerpts(asked);
      found += enterWorld(world, entered);
      return entered;
    },
    async pricesFor(ids) {
      await reads.waitFor(name, world.asOf, ['prices']);
      const known = await reads.pricesOfModels(name, world.asOf, ids);
      return new Map(ids.map((id) => [id, priceIn(world, id, known.get(id) ?? [])]));
    },
    async subjects(names) {
      const { draft } = world;
      const isTouched = (subject: string) =>
        draft?.touched.has(subject) === true && !(isBeforeDraft(world) && subject.startsWith('override:'));
      const others = names.filter((subject) => !isTouched(subject));
      const subjects = new Map(await subjectsAt(reads, name, world, others));
      for (const subject of names) {
        const touched = isTouched(subject) ? draft?.touched.get(subject) : undefined;
        if (touched !== undefined) subjects.set(subject, touched);
      }
      return subjects;
    },
    armsFound: () => found,
  };
}
