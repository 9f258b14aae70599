import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Accepted, Refused } from '../verifier/verdict.ts'
import { setAcceptedBody } from './accepted-body.ts'
import { trySetAcceptedHeaders } from './accepted-headers.ts'
import { type ResolvedAdapterOptions, tellRefused } from './adapter-options.ts'
import { hideKey } from './hidden-key.ts'
import { toIngestRequest, writeReply } from './node-exchange.ts'
import { createContext, type VerifyingKeys, verifyOnce } from './request-context.ts'
import { setWriteKey } from './set-write-key.ts'

/**
 * Node's request, and what Express and Connect add to it: the whole URL, where a mount point has shortened
 * `url`.
 */
export type NodeRequest = IncomingMessage & { originalUrl?: string; baseUrl?: string; body?: unknown }

/** `next` of Express and Connect. */
export type NodeNext = (error?: unknown) => void

/** A guard on Node's request and response: answers what it refuses, and calls `next` for the rest. */
export type NodeGuard = (request: NodeRequest, response: ServerResponse, next: NodeNext) => void

/** What such a guard passes to `onRefused`. */
// A method, so that the function may name the framework's own types.
export type OnNodeRefused = {
  tell(refused: Refused, request: NodeRequest, response: ServerResponse): unknown
}['tell']

/**
 * A middleware for anything that provides Node's request and response. Puts the context on the request under
 * `requestProperty`, and the accepted events in `request.body`.
 */
export function createNodeGuard(
  keys: VerifyingKeys,
  { eventType, onRefused, requestProperty, workspaceOf }: ResolvedAdapterOptions<OnNodeRefused>,
): NodeGuard {
  return function writeKeyAuth(request, response, next) {
    const { originalUrl: url, baseUrl: mountPath } = request
    const neutral = () => {
      const workspace = workspaceOf(request)
      return toIngestRequest(request, { url, mountPath, response, keys, eventType, workspace })
    }
    const preflight = request.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) {
      hideKey(request, preflight.carried)
      writeReply(response, preflight)
      return
    }
    verifyOnce(request, keys, neutral, eventType, request)
      .then((verdict) =>
        verdict.ok ? accept(verdict, request, response) : refuse(verdict, request, response),
      )
      .then((accepted) => {
        if (accepted) next()
      }, next)
  }

  function accept(verdict: Accepted, request: NodeRequest, response: ServerResponse): boolean {
    const headers = trySetAcceptedHeaders(response, verdict.headers)
    if (headers === undefined) return false
    hideKey(request, verdict.carried)
    const context = createContext(request, verdict, keys, eventType, request, headers)
    setWriteKey(request, requestProperty, context)
    if (verdict.body !== undefined) setAcceptedBody(request, request, verdict.body)
    return true
  }

  async function refuse(verdict: Refused, request: NodeRequest, response: ServerResponse): Promise<boolean> {
    // Logs are written after the answer.
    hideKey(request, verdict.carried)
    // Nobody is left to answer.
    if (verdict.reason === 'client_aborted') return false
    if (onRefused !== undefined) await tellRefused(() => onRefused(verdict, request, response))
    writeReply(response, verdict.reply)
    return false
  }
}
