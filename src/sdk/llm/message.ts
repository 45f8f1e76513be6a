/**
 * The messages of a conversation in one shape, whichever API it goes to. Schema and types; the request builders write them
 * in each API's way.
 */
import { z } from 'zod';
import { Failure } from '../../failure.ts';
import { type ApiStyle, apiStyles } from './api-style.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';

const jsonObject = z.custom<JsonObject>(isJsonObject, { error: 'an object that JSON can carry' });

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });

/** By address, or the bytes themselves in base64. */
const imagePart = z.union([
  z.strictObject({ type: z.literal('image'), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({
    type: z.literal('image'),
    mediaType: z.string().regex(/^image\/[a-z0-9.+-]+$/),
    data: z.base64(),
  }),
]);

const userContent = z.union([z.string(), z.array(z.union([textPart, imagePart])).min(1)]);

const toolCall = z.strictObject({ id: z.string().min(1), name: z.string().min(1), arguments: jsonObject });

/** An assistant's turn as its own API wrote it: sent back word for word to the same API, because it may be signed. */
const nativeTurn = z.strictObject({
  style: z.enum(apiStyles),
  content: z.array(jsonObject),
});

const messageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: userContent }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(toolCall).exactOptional(),
    native: nativeTurn.exactOptional(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    /** The id of the call that this answers. */
    toolCallId: z.string().min(1),
    content: z.string(),
    /** The tool failed, and content says how. */
    isError: z.boolean().exactOptional(),
  }),
]);

const messagesSchema = z.array(messageSchema).min(1).max(10_000);

export type Message = Readonly<z.output<typeof messageSchema>>;
export type UserPart = Readonly<z.output<typeof textPart> | z.output<typeof imagePart>>;
export type ToolCall = Readonly<z.output<typeof toolCall>>;
export type NativeTurn = Readonly<z.output<typeof nativeTurn>>;
export type AssistantMessage = Extract<Message, { role: 'assistant' }>;

/** Failures: invalid with the place of everything that is no message; 1 to 10,000 of them. */
export function readMessages(value: unknown): readonly Message[] {
  const parsed = messagesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => ({
    path: ['messages', ...path].join('.'),
    message,
  }));
  throw new Failure('invalid', `${details[0]?.path}: ${details[0]?.message}`, {
    reason: 'bad_messages',
    details,
  });
}

/** Whether an assistant's turn holds nothing that an API of this style can be told: it was cut off before its first word. */
export function isSilent(message: Message, style: ApiStyle): boolean {
  if (message.role !== 'assistant') return false;
  const { content, toolCalls = [], native } = message;
  if (content !== '' || toolCalls.length > 0) return false;
  // What is kept for OpenAI's style goes out beside calls alone.
  return style === 'openai' || native?.style !== style || native.content.length === 0;
}

/** The parts of what a user says. */
export function partsOf(content: string | readonly UserPart[]): readonly UserPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}
