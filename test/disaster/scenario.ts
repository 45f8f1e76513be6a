/**
 * What a disaster is: a stand, and one cycle of hurting it and seeing it recover. Everything else is the same for all of
 * them (run.ts): the load, the oracle, the report.
 */
import type { Random } from './random.ts';
import type { Stand } from './stand.ts';
import type { Watch } from './watch.ts';
import type { Load } from './writers.ts';

export interface ScenarioSettings {
  /** How long the trouble of a cycle lasts, where the scenario has a length. */
  readonly seconds: number;
  /** The latest moment of a strike, milliseconds after writes flow. */
  readonly longestMs: number;
  /** Acknowledged writes before a cycle's first strike. */
  readonly leastWrites: number;
  /** Takes the guard away that the scenario is about, where it has such a control. */
  readonly isControl: boolean;
  /** Runs the queue on this Redis. */
  readonly redisUrl?: string;
}

export interface CycleTools extends ScenarioSettings {
  readonly load: Load;
  readonly random: Random;
  /** Absent when the scenario kills servers. */
  readonly watch: Watch | undefined;
  /** For what is wrong and no reason to end the run. */
  readonly complain: (message: string) => void;
}

/** A scenario whose stand is up. */
export interface Begun {
  readonly stand: Stand;
  /** Whether the servers live through it, so that they can be watched. */
  readonly isWatched: boolean;
  /** Told once the keys are defined and before the load begins. */
  readonly prepare?: () => Promise<void>;
  /** Answers what was done and how it was overcome; throws when it is not. Writes flow when it begins and when it ends. */
  cycle(tools: CycleTools, cycle: number): Promise<string>;
  /** After the stand was stopped: takes away what else was made. */
  readonly end?: () => Promise<void>;
  readonly notes?: () => readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** For `--help`. */
  readonly summary: string;
  readonly cycles: number;
  readonly seconds: number;
  /** What the control takes away; absent where there is none. */
  readonly control?: string;
  begin(settings: ScenarioSettings): Promise<Begun>;
}
