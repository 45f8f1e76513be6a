/**
 * Two finished replays under one id each, for tests of http/ that need no database: what the answers look like.
 */
import type { Replay, ReplayKind, ReplayReads } from '../../src/domain/replay-questions.ts';

export const sampleReplayId = '01980000-0000-7000-8000-00000000000f';

const common = {
  id: sampleReplayId,
  projections: ['history'],
  requestedBy: 'admin',
  requestedAt: Date.UTC(2026, 2, 1),
  state: 'done',
  progress: { phase: 'comparing', done: 3, total: 4, eventsPerSecond: 2.5 },
  error: null,
  startedAt: Date.UTC(2026, 2, 1, 1),
  finishedAt: null,
} as const;

const samples: Readonly<Record<ReplayKind, Replay>> = {
  rebuild: {
    ...common,
    kind: 'rebuild',
    outcome: {
      comparison: {
        tables: [
          {
            table: 'subjects',
            rows: 4,
            missing: 0,
            surplus: 0,
            changed: 1,
            examples: ['default key:a.text'],
          },
        ],
        notCompared: [{ projection: 'tags', why: 'it has stopped' }],
      },
    },
  },
  verification: {
    ...common,
    kind: 'verification',
    outcome: {
      checks: [
        {
          name: 'gapless revisions',
          result: 'violated',
          violations: 1,
          examples: [{ ledger: 'default', revision: 3, what: 'comes after revision 1' }],
        },
      ],
    },
  },
};

/** The replays that a memory assembly knows. */
export const memoryReplayReads: ReplayReads = {
  replay: async (kind, id) => (id === sampleReplayId ? samples[kind] : undefined),
  openReplays: async () => [],
};
