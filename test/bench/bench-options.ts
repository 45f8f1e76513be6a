/**
 * What every bench is told by the command.
 */
export interface BenchOptions {
  /** Smaller sizes and shorter rounds: to see that it runs, not for figures to keep. */
  readonly isQuick: boolean;
  /** Tells how far it is. */
  readonly say: (line: string) => void;
}
