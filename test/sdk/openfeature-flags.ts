/**
 * The flags of OpenFeature's suite as changes of a ledger: one key a flag, with what Varve can say of it. A flag without rules is
 * a global override of its default variant; a flag with rules has that as its fallback, and an override for the one user
 * whom the rules of the suite are about.
 */
import { z } from 'zod';

const flagsSchema = z.record(
  z.string(),
  z.looseObject({
    variants: z.record(z.string(), z.json()),
    defaultVariant: z.string().nullish(),
    contextEvaluator: z.string().optional(),
  }),
);

/** Whom `email == 'ballmer@macrosoft.com'` means, as Varve targets: by user. */
export const targetedUser = 'ballmer@macrosoft.com';

/** Keys are snake_case. */
export function keyOfFlag(flag: string): string {
  return flag.replaceAll('-', '_');
}

export function changesOf(text: string): readonly object[] {
  return Object.entries(flagsSchema.parse(JSON.parse(text))).flatMap(([flag, described]) => {
    const { variants, defaultVariant, contextEvaluator } = described;
    const [some] = Object.values(variants);
    const value = variants[defaultVariant ?? ''];
    const key = keyOfFlag(flag);
    const definition = { type: 'defineKey', key, valueType: typeof some, fallback: value ?? some };
    if (value === undefined) return [definition];
    if (contextEvaluator === undefined) {
      return [definition, { type: 'setOverride', key, scope: 'global', value }];
    }
    const targeted = variants[/'([^']*)' : ''$/.exec(contextEvaluator)?.[1] ?? ''];
    return [definition, { type: 'setOverride', key, scope: `user:${targetedUser}`, value: targeted }];
  });
}
