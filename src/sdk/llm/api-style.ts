/**
 * The four kinds of API that are spoken, named for who made them; many others speak one of them too (providers.ts).
 */
export const apiStyles = ['openai', 'anthropic', 'gemini', 'replicate'] as const;

export type ApiStyle = (typeof apiStyles)[number];
