export { isContinued } from '../http/connection-close.ts'
export {
  type FetchRequestHints,
  fetchPathOf,
  pathStartOf,
  toFetchIngestRequest,
} from '../http/fetch-request.ts'
export { toResponse } from '../http/fetch-response.ts'
export type {
  FieldValues,
  IngestRequest,
  IngestRequestInit,
  ReadBody,
  Reply,
} from '../http/ingest-request.ts'
export { copyJson } from '../http/json-copy.ts'
export { BodyTakenError, type ParsedBody } from '../http/parsed-body.ts'
export { isReset, type SocketAddresses } from '../http/reset-socket.ts'
export { writeKeysOptionNames } from '../resolve-options.ts'
export {
  createClientAddress,
  type ResolveClientAddress,
  type TrustedProxies,
} from '../rules/client-address.ts'
export { badOption, ConfigError } from '../runtime/config-error.ts'
export { givenFields } from '../runtime/given-fields.ts'
export {
  anything,
  callback,
  flag,
  type OptionReader,
  type OptionReaders,
  type OptionsRead,
  oneOf,
  readOptions,
} from '../runtime/options.ts'
export { sharedLayout } from '../runtime/shared-by-copies.ts'
export { createLineLogger, type Logger } from '../verifier/logger.ts'
export { keepBody, setAcceptedBody } from './accepted-body.ts'
export { withAcceptedBody, withoutCarriedKey } from './accepted-fetch-request.ts'
export {
  type AcceptedHeaders,
  PromisedHeaders,
  trySetAcceptedHeaders,
  trySetFastifyHeaders,
} from './accepted-headers.ts'
export {
  type AdapterOptionRules,
  type AdapterOptions,
  type ResolvedAdapterOptions,
  resolveAdapterOptions,
  tellRefused,
  type WorkspaceOption,
} from './adapter-options.ts'
export { adminRoutes } from './admin-routes.ts'
export { type Computed, computedProperty } from './computed-property.ts'
export { type HeaderTarget, mergeHeader } from './cors-merge.ts'
export {
  answerPastFastify,
  type FastifyReplyLike,
  toFastifyHeaderTarget,
} from './fastify-reply.ts'
export { answerByFetch, type FetchHandler, type FetchHints, pathOf } from './fetch-exchange.ts'
export {
  type Incoming,
  keptNodeRequest,
  type NodeBehind,
  nodeBodyOf,
  nodeOf,
  passedAs,
  rememberPassage,
} from './fetch-passage.ts'
export { withAcceptedHeaders } from './fetch-response.ts'
export { isNodeCall, refuseForeign } from './foreign-request.ts'
export { createPathTest, type PathTest } from './guarded-paths.ts'
export { takeContinue } from './guarded-server.ts'
export { hideKey, type TargetHolder } from './hidden-key.ts'
export { answerIngest, answerOnce, type IngestEndpoints, ingestRoutes } from './ingest-routes.ts'
export { keepHeaders } from './kept-headers.ts'
export { makeRequest } from './made-request.ts'
export {
  type RequestHints,
  setRefusalHeaders,
  setReplyHeaders,
  toIngestRequest,
  writeReply,
} from './node-exchange.ts'
export {
  createNodeGuard,
  type NodeGuard,
  type NodeNext,
  type NodeRequest,
  type OnNodeRefused,
} from './node-guard.ts'
export { bodyOf, hasUnsaidContent, type NodeMessage, toHeaders } from './node-request.ts'
export { type OpenCount, openCount } from './open-count.ts'
export { answerAdmin, pathBelow } from './prefixed-request.ts'
export {
  createContext,
  findContext,
  requireContext,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
} from './request-context.ts'
export { rewindBody } from './rewound-body.ts'
export {
  type RouteOptions,
  readRegisterOptions,
  readRouteOptions,
  refuseRouteOptions,
} from './route-options.ts'
export { namesOfNodeRequests, setWriteKey } from './set-write-key.ts'
export { shareShape } from './shared-shape.ts'
export { assertAdminApi, assertIngestApi } from './taken-api.ts'
