/**
 * What the package exports under its own name: how to make a client, what it speaks of, and how it fails.
 */
export type { JsonValue } from '../domain/json.ts';
export type { Receipt } from '../domain/receipt.ts';
export type { Reason, ResolvedModel } from '../domain/resolve.ts';
export type { Context, Scope } from '../domain/scope.ts';
export { Failure, type FailureCode, type FailureDetail } from '../failure.ts';
export type { ApiAnswer, ApiClient, ApiRequest } from './api-client.ts';
export { createVarve } from './create-varve.ts';
export {
  getFensterModel,
  getIllustrationModel,
  getModelProviderAndName,
  getOutcomesModel,
  getPlannerModel,
  getRepairModel,
  getResearchModel,
  getResearchRouterModel,
  getSectionBuilderModel,
  getTutorModel,
  getWritingModel,
  getYoutubeModel,
} from './model-choice.ts';
export { currentContext, runInContext } from './request-context.ts';
export { currentUserContext } from './running-request.ts';
export { type AskedFor, type RuntimeConfig, resolveEffectiveRuntimeConfig } from './runtime-config.ts';
export type {
  Details,
  RuntimeField,
  RuntimeFields,
  RuntimeFieldsToSet,
  UserContext,
} from './runtime-fields.ts';
export {
  resumeSession,
  type Session,
  type SessionStart,
  type SessionToken,
  startSession,
} from './sessions.ts';
export type {
  SeenUser,
  SlotOptions,
  UserContexts,
  UserContextsOptions,
  UserInContext,
  Who,
} from './user-context.ts';
export { createUserContexts } from './user-contexts.ts';
export type {
  Arrival,
  ChangesetToWrite,
  Resolved,
  ResolveOptions,
  ValueSchema,
  ValuesChange,
  Varve,
  VarveOptions,
  VarveStatus,
  WriteOptions,
  Written,
} from './varve.ts';
