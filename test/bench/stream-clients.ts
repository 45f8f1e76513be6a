/**
 * Clients of streams for a bench, in a process of their own and as cheap as can be: plain sockets that note when each
 * revision came. Told over the channel to its parent what to open; tells `open`, and at the end all that it noted.
 * Moments are nanoseconds of the machine's monotonic clock, which all processes share.
 */
import { connect, type Socket } from 'node:net';
import type { ClientsAnswer, ClientsOrder } from './stream-crowd.ts';

/** By revision: when each client had it. */
const arrivals = new Map<number, number[]>();
/** Revisions after this one are noted. */
let after = 0;

process.on('message', (order: ClientsOrder) => {
  switch (order.type) {
    case 'open':
      void openAll(order);
      return;
    case 'tell':
      answer({ type: 'arrivals', arrivals: [...arrivals] });
      return;
    case 'end':
      process.exit(0);
      return;
    default:
      order satisfies never;
  }
});

async function openAll(order: Extract<ClientsOrder, { readonly type: 'open' }>): Promise<void> {
  const { hostname, port } = new URL(order.url);
  after = order.after;
  const headers = Object.entries({ host: 'bench', ...order.headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  for (const path of order.paths) {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setNoDelay();
    socket.on('error', (error) => answer({ type: 'broken', why: error.message }));
    socket.on('close', () => answer({ type: 'broken', why: 'a stream ended' }));
    socket.write(`GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    await new Promise<void>((opened) => listen(socket, opened));
  }
  answer({ type: 'open' });
}

/** What a message is about stands in its line of id; all else is passed over. */
function listen(socket: Socket, opened: () => void): void {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const now = Number(process.hrtime.bigint());
    opened();
    const text = rest + chunk;
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    if (text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.1 200'))
      answer({ type: 'broken', why: text });
    for (const line of lines) if (line.startsWith('id: ')) note(Number(line.slice(4)), now);
  });
}

function note(revision: number, now: number): void {
  if (revision <= after) return;
  const noted = arrivals.get(revision);
  if (noted === undefined) arrivals.set(revision, [now]);
  else noted.push(now);
}

function answer(said: ClientsAnswer): void {
  process.send?.(said);
}
