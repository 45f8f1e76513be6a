/**
 * A snapshot that is only passed on: counts its lines as they come, to know whether all of it came, without reading it.
 */
import { Failure } from '../failure.ts';

const newline = 10;

/** The last line is short; the first one is as long as the longest ledger's name allows. */
const maxEndLength = 64;

export class SnapshotTally {
  #lines = 0;
  #end = Buffer.alloc(0);

  feed(piece: Uint8Array): void {
    for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, at + 1)) this.#lines += 1;
    this.#end = Buffer.concat([this.#end, piece.subarray(-maxEndLength)]).subarray(-maxEndLength);
  }

  /** Failures: corrupt when it was cut off. */
  whole(): void {
    const end = /\{"type":"end","count":(\d+)\}\n$/.exec(this.#end.toString('latin1'));
    if (end !== null && Number(end[1]) === this.#lines - 2) return;
    throw new Failure('corrupt', 'a snapshot was cut off', { reason: 'bad_snapshot' });
  }
}
