/**
 * What is configured for each user of an agent (design note 004): the eight fields, the keys that hold them, their types.
 * In: resolved values; out: fields with null where nothing is said. Pure.
 */
import type { JsonValue } from '../domain/json.ts';
import { Failure } from '../failure.ts';
import type { Resolved } from './varve.ts';

export type Details = { readonly [name: string]: JsonValue };

/** Null where no scope says anything. */
export interface RuntimeFields {
  readonly provider: string | null;
  /** Bare, as the provider calls it. */
  readonly model: string | null;
  readonly mcpServerName: string | null;
  readonly mcpServerId: string | null;
  readonly awsRegion: string | null;
  /** A ledger never forgets: of credentials only the address (`env:…`, `vault:…`) belongs here. */
  readonly azureDeploymentDetails: Details | null;
  readonly friendliDetails: Details | null;
  readonly modelProviderInProfile: string | null;
}

export type RuntimeField = keyof RuntimeFields;

/** Null takes back what a scope says; fields that are left out stay. */
export type RuntimeFieldsToSet = { readonly [field in RuntimeField]?: RuntimeFields[field] };

interface FieldKey {
  readonly key: string;
  readonly valueType: 'string' | 'object';
  readonly description: string;
}

const text = (key: string, description: string): FieldKey => ({ key, valueType: 'string', description });
const details = (key: string, description: string): FieldKey => ({ key, valueType: 'object', description });

const fieldKeys: Readonly<Record<RuntimeField, FieldKey>> = {
  provider: text('runtime.provider', 'The provider that a user works with'),
  model: text('runtime.model', 'The model that a user works with, as its provider calls it'),
  mcpServerName: text('runtime.mcp_server_name', 'The MCP server that a user is connected to'),
  mcpServerId: text('runtime.mcp_server_id', 'The id of that MCP server'),
  awsRegion: text('runtime.aws_region', 'The AWS region of a user'),
  azureDeploymentDetails: details('runtime.azure_deployment_details', 'The Azure deployment of a user'),
  friendliDetails: details('runtime.friendli_details', 'The Friendli endpoint of a user'),
  modelProviderInProfile: text('runtime.model_provider_in_profile', 'Whose model an inference profile names'),
};

const isField = (name: string): name is RuntimeField => Object.hasOwn(fieldKeys, name);

export const runtimeFields: readonly RuntimeField[] = Object.keys(fieldKeys).filter(isField);

/** The eight keys. */
export const runtimeKeys: readonly string[] = runtimeFields.map(keyOfField);

export function keyOfField(field: RuntimeField): string {
  return fieldKeys[field].key;
}

/** The change that defines a field's key. No type of value takes null, so an empty value says nothing. */
export function definitionOf(field: RuntimeField) {
  const { key, valueType, description } = fieldKeys[field];
  return {
    type: 'defineKey',
    key,
    valueType,
    fallback: valueType === 'string' ? '' : {},
    description,
  } as const;
}

/** What a user is configured with at this moment, all of it at one revision. */
export interface UserContext extends RuntimeFields {
  readonly userId: string;
  /** Epoch milliseconds. */
  readonly lastAccess: number;
}

/** Throws Failure `invalid` when a ledger defines one of the keys with another type. */
export function userContextOf(
  userId: string,
  values: ReadonlyMap<string, Resolved>,
  lastAccess: number,
): UserContext {
  const textOf = (field: RuntimeField) => said(values, field, isText);
  const detailsOf = (field: RuntimeField) => said(values, field, isDetails);
  // Whole at once: spreading the fields into it takes 5 µs.
  return {
    userId,
    lastAccess,
    provider: textOf('provider'),
    model: textOf('model'),
    mcpServerName: textOf('mcpServerName'),
    mcpServerId: textOf('mcpServerId'),
    awsRegion: textOf('awsRegion'),
    azureDeploymentDetails: detailsOf('azureDeploymentDetails'),
    friendliDetails: detailsOf('friendliDetails'),
    modelProviderInProfile: textOf('modelProviderInProfile'),
  };
}

function said<T extends string | Details>(
  values: ReadonlyMap<string, Resolved>,
  field: RuntimeField,
  isOfType: (value: JsonValue) => value is T,
): T | null {
  const { key, valueType } = fieldKeys[field];
  const value = values.get(key)?.value;
  if (value === undefined) return null;
  if (!isOfType(value)) {
    throw new Failure('invalid', `${key} must be defined with the type ${valueType}`, {
      reason: 'wrong_type',
    });
  }
  const isEmpty = typeof value === 'string' ? value === '' : Object.keys(value).length === 0;
  return isEmpty ? null : value;
}

const isText = (value: JsonValue): value is string => typeof value === 'string';

function isDetails(value: JsonValue): value is Details {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
