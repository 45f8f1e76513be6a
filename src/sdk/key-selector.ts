/**
 * Which keys a listener wants to hear of: one key, or all that begin with what stands before a `*`.
 */

/** Whether a key is selected. */
export function keySelector(selector: string): (key: string) => boolean {
  if (!selector.endsWith('*')) return (key) => key === selector;
  const prefix = selector.slice(0, -1);
  return (key) => key.startsWith(prefix);
}
