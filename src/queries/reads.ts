/**
 * All questions of domain/questions.ts bound to a pool: what the composition root gives to http/.
 */
import type pg from 'pg';
import type { Reads } from '../domain/reads.ts';
import { activeContexts } from './active-contexts.ts';
import { contextsSeen } from './contexts-seen.ts';
import { deprecations } from './deprecations.ts';
import { findChangeset } from './find-changeset.ts';
import { findEvents } from './find-events.ts';
import { firstDifference } from './first-difference.ts';
import { historyPage } from './history-page.ts';
import { historyStream } from './history-stream.ts';
import { layersAt } from './layers-at.ts';
import { leastRevision, listConsumers } from './list-consumers.ts';
import { findDelivery, listDeliveries, openDeliveries } from './list-deliveries.ts';
import { listDifferences } from './list-differences.ts';
import { findKey, listKeys } from './list-keys.ts';
import { findModel, listModels } from './list-models.ts';
import { listOverrides } from './list-overrides.ts';
import { listPrices } from './list-prices.ts';
import { listProjections } from './list-projections.ts';
import { listSchedule } from './list-schedule.ts';
import { listTags } from './list-tags.ts';
import { modelHistory } from './model-history.ts';
import { correctionsSince, pricesOfModels } from './prices-of-models.ts';
import { recordedAt } from './recorded-at.ts';
import { findReplay, openReplays } from './replays.ts';
import { bindRestoreReads } from './restore-reads.ts';
import { revisionAt } from './revision-at.ts';
import { revisionsAt } from './revisions-at.ts';
import { stateAt } from './state-at.ts';
import { subjectStatesAt } from './subject-states-at.ts';
import { usagePage } from './usage-page.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

/** The reads of a pool; it needs no more than the grants of `varve_http`. */
export function bindReads(pool: pg.Pool, options: WaitOptions): Reads {
  return {
    waitFor: (...question) => waitFor(pool, options, ...question),
    revisionAt: (...question) => revisionAt(pool, ...question),
    recordedAt: (...question) => recordedAt(pool, ...question),
    stateAt: (...question) => stateAt(pool, ...question),
    layersAt: (...question) => layersAt(pool, ...question),
    events: (...question) => findEvents(pool, ...question),
    history: (...question) => historyPage(pool, ...question),
    historyStream: (...question) => historyStream(pool, ...question),
    changeset: (...question) => findChangeset(pool, ...question),
    keys: (...question) => listKeys(pool, ...question),
    key: (...question) => findKey(pool, ...question),
    overrides: (...question) => listOverrides(pool, ...question),
    models: (...question) => listModels(pool, ...question),
    model: (...question) => findModel(pool, ...question),
    modelHistory: (...question) => modelHistory(pool, ...question),
    prices: (...question) => listPrices(pool, ...question),
    tags: (...question) => listTags(pool, ...question),
    subjectsAt: (...question) => subjectStatesAt(pool, ...question),
    differences: (...question) => listDifferences(pool, ...question),
    schedule: (...question) => listSchedule(pool, ...question),
    ...bindRestoreReads(pool),
    firstDifference: (...question) => firstDifference(pool, ...question),
    deprecations: (...question) => deprecations(pool, ...question),
    deliveries: (...question) => listDeliveries(pool, ...question),
    delivery: (...question) => findDelivery(pool, ...question),
    openDeliveries: (...question) => openDeliveries(pool, ...question),
    projections: (...question) => listProjections(pool, ...question),
    activeContexts: (...question) => activeContexts(pool, ...question),
    consumers: (...question) => listConsumers(pool, ...question),
    leastRevision: (...question) => leastRevision(pool, ...question),
    contextsSeen: (...question) => contextsSeen(pool, ...question),
    usagePage: (...question) => usagePage(pool, ...question),
    pricesOfModels: (...question) => pricesOfModels(pool, ...question),
    correctionsSince: (...question) => correctionsSince(pool, ...question),
    revisionsAt: (...question) => revisionsAt(pool, ...question),
    replay: (...question) => findReplay(pool, ...question),
    openReplays: () => openReplays(pool),
  };
}
