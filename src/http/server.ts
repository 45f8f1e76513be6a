/**
 * The HTTP server: Fastify with strict bodies, problems for every failure, one gate, and the routes.
 * In: what the composition root gives; out: a server that is ready to listen. It knows no pool and no environment.
 */
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { createArrivals } from './arrival/arrivals.ts';
import { addBoard } from './board.ts';
import { useStrictBodies } from './body-parser.ts';
import type { HttpDependencies } from './dependencies.ts';
import { answerMalformed, answerUnrouted, type HttpLogger, routeOf, sendProblem } from './faults.ts';
import { createGate, createRequestNamer } from './gate.ts';
import { addOfrepRoutes } from './ofrep/ofrep-routes.ts';
import { invalidAt, problemContentType, problemOf } from './problem.ts';
import { parseQuery } from './request-input.ts';
import { guardRoutes, type TableEntry } from './roles.ts';
import { addApiKeyRoutes } from './routes/api-keys.ts';
import { addBlameRoute } from './routes/blame.ts';
import { addChangesetRoutes } from './routes/changesets.ts';
import { addCompareRoute } from './routes/compare.ts';
import { addConsumerRoutes } from './routes/consumers.ts';
import { addContextRoute } from './routes/contexts.ts';
import { addCostRoute } from './routes/costs.ts';
import { addDiffRoute } from './routes/diff.ts';
import { addDocumentRoute, useOpenApi } from './routes/document.ts';
import { addExplainRoute } from './routes/explain.ts';
import { addFirstDifferenceRoute } from './routes/first-difference.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addImportRoutes } from './routes/imports.ts';
import { addKeyRoutes } from './routes/keys.ts';
import { addLedgerRoutes } from './routes/ledgers.ts';
import { addModelWriteRoutes } from './routes/model-writes.ts';
import { addModelRoutes } from './routes/models.ts';
import { addOperationRoutes } from './routes/operation.ts';
import { addOverrideRoutes } from './routes/overrides.ts';
import { addReceiptRoute } from './routes/receipts.ts';
import { addReplayRoutes } from './routes/replays.ts';
import { addResolveRoutes } from './routes/resolve.ts';
import { addResolveKeyRoute } from './routes/resolve-key.ts';
import { addRestatementRoute } from './routes/restatement.ts';
import { addRollbackRoute } from './routes/rollbacks.ts';
import { addScheduleRoute } from './routes/schedule.ts';
import { addSnapshotRoute } from './routes/snapshot.ts';
import { addStatusRoute } from './routes/status.ts';
import { addStreamRoute } from './routes/stream.ts';
import { addTagRoutes } from './routes/tags.ts';
import { addUsageRoute } from './routes/usage.ts';
import { addWebhookDeliveryRoutes } from './routes/webhook-deliveries.ts';
import { addWebhookRoutes } from './routes/webhooks.ts';

export interface ServerOptions {
  readonly logger: HttpLogger;
  /** 8 MiB when it is left out. */
  readonly bodyLimitBytes?: number;
  /** Between two signs of life on a stream; 15 s when it is left out. */
  readonly heartbeatMs?: number;
  /** What changes nothing but the time of a heartbeat is written within this; 5 s when it is left out. */
  readonly heartbeatWriteMs?: number;
  /** The most streams at once; 10,000 when it is left out. */
  readonly maxStreams?: number;
  /** A stream's client that takes nothing is cut off after so long; 30 s when it is left out. */
  readonly stallMs?: number;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Who may use which route, made from the routes. */
    readonly roleTable: readonly TableEntry[];
  }
}

const defaultBodyLimitBytes = 8 * 1024 * 1024;
/** A whole request must have arrived by then. */
const requestTimeoutMs = 60_000;
const idleCheckMs = 20;

/** Builds the server; throws when a route does not say who may use it. */
export async function buildServer(
  dependencies: HttpDependencies,
  options: ServerOptions,
): Promise<FastifyInstance> {
  const { logger, bodyLimitBytes = defaultBodyLimitBytes } = options;
  const app = fastify({
    // Fastify's own log lines hold URLs, and a child logger for each request costs 1 to 2 µs.
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    // The gate asks for Host itself, so that its absence is a problem as well.
    http: { requireHostHeader: false },
    genReqId: createRequestNamer(() => dependencies.newId()),
    // Requests that come in on open connections while the server ends are finished, not turned away.
    return503OnClosing: false,
    routerOptions: { querystringParser: parseQuery, maxParamLength: 16_384 },
    frameworkErrors: (error, request, reply) => void sendProblem(logger, request, reply, error),
    clientErrorHandler: answerMalformed,
  });
  app.setErrorHandler((error, request, reply) => sendProblem(logger, request, reply, error));
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.decorateRequest('caller', undefined);
  const table = guardRoutes(app, createGate(dependencies));
  app.decorate('roleTable', table);
  useStrictBodies(app);
  answerUnrouted(app, logger, table);
  refuseExpectations(app);
  letGoWhenEnding(app);
  await useOpenApi(app, dependencies.version);
  addResolveKeyRoute(app, dependencies);
  await app.register(async (scope) => {
    observeRequests(scope, dependencies, logger);
    addRoutes(scope, dependencies, options);
    await scope.register((inner) => addOfrepRoutes(inner, dependencies, options));
  });
  await app.ready();
  return app;
}

function addRoutes(app: FastifyInstance, dependencies: HttpDependencies, options: ServerOptions): void {
  const arrivals = createArrivals(dependencies, options.heartbeatWriteMs);
  app.addHook('preClose', (done) => {
    arrivals.endWaits();
    done();
  });
  app.addHook('onClose', () => arrivals.endBatches());
  addResolveRoutes(app, dependencies);
  addExplainRoute(app, dependencies);
  addReceiptRoute(app, dependencies);
  addBlameRoute(app, dependencies);
  addFirstDifferenceRoute(app, dependencies);
  addChangesetRoutes(app, dependencies, arrivals);
  addRollbackRoute(app, dependencies, arrivals);
  addOverrideRoutes(app, dependencies);
  addKeyRoutes(app, dependencies);
  addModelRoutes(app, dependencies);
  addModelWriteRoutes(app, dependencies);
  addHistoryRoutes(app, dependencies);
  addDiffRoute(app, dependencies);
  addTagRoutes(app, dependencies);
  addScheduleRoute(app, dependencies);
  addUsageRoute(app, dependencies);
  addConsumerRoutes(app, dependencies, arrivals);
  addContextRoute(app, dependencies);
  addCostRoute(app, dependencies);
  addRestatementRoute(app, dependencies);
  addCompareRoute(app, dependencies);
  addSnapshotRoute(app, dependencies);
  addStreamRoute(app, dependencies, options);
  addLedgerRoutes(app, dependencies);
  addApiKeyRoutes(app, dependencies);
  addReplayRoutes(app, dependencies);
  addWebhookRoutes(app, dependencies);
  addWebhookDeliveryRoutes(app, dependencies);
  addImportRoutes(app, dependencies);
  addStatusRoute(app, dependencies);
  addOperationRoutes(app, dependencies);
  addDocumentRoute(app);
  if (dependencies.jobsBoard !== undefined) addBoard(app, dependencies.jobsBoard);
}

/** Logs and counts every request but those of the hot path: reads at debug, writes and refusals at info. */
function observeRequests(app: FastifyInstance, { metrics }: HttpDependencies, logger: HttpLogger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id: requestId, caller } = request;
    const { statusCode: status, elapsedTime } = reply;
    const route = routeOf(request);
    metrics.request(method, route, status, elapsedTime / 1000);
    const ms = Math.round(elapsedTime * 100) / 100;
    const fields = { requestId, method, route, status, ms, ledger: caller?.ledger.name };
    if (status >= 500) logger.error(fields, 'request failed');
    else if (status >= 400 || !isRoutine(request)) logger.info(fields, 'request');
    else logger.debug(fields, 'request');
    done();
  });
}

function isRoutine({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || routeOptions.config.isRoutine === true;
}

/**
 * Ending waits for requests under way. A connection that falls idle after that would be kept for its keep-alive time
 * and hold up the end; nobody but us closes it.
 */
function letGoWhenEnding(app: FastifyInstance): void {
  let timer: NodeJS.Timeout | undefined;
  const open = new Set<Socket>();
  app.server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  app.addHook('preClose', (done) => {
    timer = setInterval(() => {
      app.server.closeIdleConnections();
      // Node does not count those as idle on which nothing was ever asked: browsers and pools open them in advance.
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    }, idleCheckMs);
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}

/** Node answers an Expect that it does not know with an empty 417. */
function refuseExpectations(app: FastifyInstance): void {
  app.server.on('checkExpectation', (_request, response) => {
    const problem = problemOf(
      invalidAt('header.Expect', 'only 100-continue is understood', 'unmet_expectation'),
    );
    response.writeHead(problem.status, { 'content-type': problemContentType, connection: 'close' });
    response.end(JSON.stringify(problem));
  });
}
