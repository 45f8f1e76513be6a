/**
 * Is there an order of these operations, each at a moment between its call and its return, that the model allows?
 * The search of Wing and Gong with Lowe's memory: what was tried once (the operations taken, and the state they led to)
 * is not tried again. Histories go in, a verdict comes out; a search that grows too large is undecided, never legal.
 */

export interface TimedOperation<Input> {
  readonly call: number;
  /** Undefined: nobody heard of it; it may have happened at any time from its call on, or never. */
  readonly return: number | undefined;
  readonly input: Input;
}

export interface Model<State, Input> {
  readonly initial: State;
  /** The state afterwards, or undefined when what was answered cannot be at this state. */
  step(state: State, input: Input): State | undefined;
  /** Equal for equal states. */
  keyOf(state: State): string;
}

export type Verdict<State, Input> =
  | { readonly kind: 'legal'; readonly order: readonly Input[] }
  | {
      readonly kind: 'illegal';
      /** The longest order that was found, the state it ends in, and what could not follow before `stuck` returned. */
      readonly order: readonly Input[];
      readonly state: State;
      readonly stuck: Input;
      readonly candidates: readonly Input[];
    }
  | { readonly kind: 'undecided'; readonly tried: number };

/** A call or a return, in a list from which operations are taken out and put back. */
interface Entry<Input> {
  readonly operation: TimedOperation<Input>;
  readonly place: number;
  readonly isCall: boolean;
  /** Of a call: its return. */
  end: Entry<Input> | undefined;
  previous: Entry<Input> | undefined;
  next: Entry<Input> | undefined;
}

interface Taken<State, Input> {
  readonly entry: Entry<Input>;
  readonly before: State;
}

/** At most `budget` steps of the search; about a million a second. */
export function check<State, Input>(
  model: Model<State, Input>,
  operations: readonly TimedOperation<Input>[],
  budget: number,
): Verdict<State, Input> {
  const head = listOf(operations);
  const memory = new Set<string>();
  const bits = new Uint16Array(Math.ceil(operations.length / 16));
  const stack: Taken<State, Input>[] = [];
  let state = model.initial;
  let open = operations.filter((operation) => operation.return !== undefined).length;
  let longest: Extract<Verdict<State, Input>, { kind: 'illegal' }> | undefined;
  let tried = 0;
  let entry = head.next;
  while (open > 0 && entry !== undefined) {
    if (tried > budget) return { kind: 'undecided', tried };
    if (entry.isCall) {
      tried++;
      const after = model.step(state, entry.operation.input);
      if (after !== undefined && isNew(memory, bits, entry.place, model.keyOf(after))) {
        stack.push({ entry, before: state });
        state = after;
        flip(bits, entry.place);
        takeOut(entry);
        if (entry.end !== undefined) open--;
        entry = head.next;
      } else entry = entry.next;
      // Behind the last return stand only operations that nobody heard of: none of them may help any more.
      if (entry !== undefined || open === 0) continue;
    }
    if (entry !== undefined && (longest === undefined || stack.length > longest.order.length)) {
      const order = stack.map((taken) => taken.entry.operation.input);
      longest = {
        kind: 'illegal',
        order,
        state,
        stuck: entry.operation.input,
        candidates: callsBefore(head, entry),
      };
    }
    const taken = stack.pop();
    if (taken === undefined) break;
    state = taken.before;
    flip(bits, taken.entry.place);
    putBack(taken.entry);
    if (taken.entry.end !== undefined) open++;
    entry = taken.entry.next;
  }
  if (open === 0) return { kind: 'legal', order: stack.map((taken) => taken.entry.operation.input) };
  if (longest === undefined) throw new Error('a search ended without having begun');
  return longest;
}

/** Calls and returns by time; of equal times the call first, so that touching operations count as concurrent. */
function listOf<Input>(operations: readonly TimedOperation<Input>[]): Entry<Input> {
  const entries = operations.flatMap((operation, place): Entry<Input>[] => {
    const blank = { operation, place, end: undefined, previous: undefined, next: undefined };
    const call: Entry<Input> = { ...blank, isCall: true };
    if (operation.return === undefined) return [call];
    call.end = { ...blank, isCall: false };
    return [call, call.end];
  });
  const timeOf = ({ operation, isCall }: Entry<Input>): number =>
    isCall ? operation.call : (operation.return ?? Number.POSITIVE_INFINITY);
  entries.sort((a, b) => timeOf(a) - timeOf(b) || Number(b.isCall) - Number(a.isCall));
  const none = { call: 0, return: undefined } as TimedOperation<Input>;
  const head: Entry<Input> = {
    operation: none,
    place: -1,
    isCall: false,
    end: undefined,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const entry of entries) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

function takeOut<Input>(call: Entry<Input>): void {
  for (const entry of [call, call.end]) {
    if (entry === undefined) continue;
    if (entry.previous !== undefined) entry.previous.next = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
  }
}

/** The other way round, so that each finds its neighbours as it left them. */
function putBack<Input>(call: Entry<Input>): void {
  for (const entry of [call.end, call]) {
    if (entry === undefined) continue;
    if (entry.previous !== undefined) entry.previous.next = entry;
    if (entry.next !== undefined) entry.next.previous = entry;
  }
}

function callsBefore<Input>(head: Entry<Input>, end: Entry<Input>): readonly Input[] {
  const found: Input[] = [];
  for (let entry = head.next; entry !== undefined && entry !== end; entry = entry.next) {
    if (entry.isCall) found.push(entry.operation.input);
  }
  return found;
}

function flip(bits: Uint16Array, place: number): void {
  bits[place >> 4] = (bits[place >> 4] ?? 0) ^ (1 << (place & 15));
}

/** Whether these operations with one more have not led to this state before; remembers that they have. */
function isNew(memory: Set<string>, bits: Uint16Array, place: number, stateKey: string): boolean {
  flip(bits, place);
  const key = `${String.fromCharCode(...bits)}${stateKey}`;
  flip(bits, place);
  if (memory.has(key)) return false;
  memory.add(key);
  return true;
}
