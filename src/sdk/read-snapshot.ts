/**
 * A snapshot as it comes in: pieces of NDJSON become a state of its own, which nobody sees before its last line is there.
 * It works piece by piece and leaves the pauses to whoever hands them in.
 */
import { putSnapshotLine, type SnapshotLine } from '../domain/snapshot.ts';
import { Failure } from '../failure.ts';
import { ValuesState } from './values-state.ts';

/** No line of ours comes near. */
const maxLineLength = 16_777_216;

export class SnapshotReader {
  readonly state = new ValuesState();
  ledger = '';
  /** Names the log that its revision counts in, where it is told. */
  log: string | undefined;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #rest = '';
  #count = -1;
  #isWhole = false;

  /** Failures: corrupt for what is no line of a snapshot. */
  feed(piece: Uint8Array): void {
    try {
      const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n');
      this.#rest = lines.pop() ?? '';
      if (this.#rest.length > maxLineLength) throw badSnapshot('a line of a snapshot has no end');
      for (const line of lines) this.line(line);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw badSnapshot('a snapshot holds what is no line of one', error);
    }
  }

  line(text: string): void {
    if (this.#isWhole) throw badSnapshot('a snapshot goes on after its end');
    const line = JSON.parse(text) as SnapshotLine;
    if (this.#count < 0 !== (line.type === 'snapshot')) throw badSnapshot('a snapshot begins with its head');
    if (line.type === 'snapshot') ({ ledger: this.ledger, log: this.log } = line);
    if (line.type === 'end') this.#end(line.count);
    else this.#count += 1;
    putSnapshotLine(this.state, line);
  }

  /** The state, once all of it has come. Failures: corrupt when it was cut off. */
  whole(): ValuesState {
    if (!this.#isWhole || this.#rest !== '') throw badSnapshot('a snapshot was cut off');
    return this.state;
  }

  #end(count: number): void {
    if (count !== this.#count) throw badSnapshot(`a snapshot has ${this.#count} lines instead of ${count}`);
    this.#isWhole = true;
  }
}

function badSnapshot(message: string, cause?: unknown): Failure {
  return new Failure('corrupt', message, { reason: 'bad_snapshot', cause });
}
