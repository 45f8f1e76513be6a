/**
 * What every bench is told by the command.
 */
export interface BenchOptions {
  /** Smaller sizes and shorter rounds: to see that it runs, not for figures to keep. */
  readonly isQuick: boolean;
  /** Also the largest sizes, which take long and much disk. */
  readonly isFull: boolean;
  /** Tells how far it is. */
  readonly say: (line: string) => void;
}
