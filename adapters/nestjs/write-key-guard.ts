import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import {
  createContext,
  findContext,
  type Refused,
  setReplyHeaders,
  tellRefused,
  toIngestRequest,
  verifyOnce,
} from '../../src/index.ts'
import { eventTypeMetadata, skipMetadata } from './decorators.ts'
import { type HttpExchange, toHttpExchange } from './http-exchange.ts'
import type { WriteKeySetup } from './module-options.ts'
import { WriteKeyException } from './write-key-exception.ts'

/** Injection token of the resolved options. */
export const WRITE_KEY_SETUP: unique symbol = Symbol('writekey:setup')

/**
 * Lets a request through to its handler when its write key is good: with `@UseGuards(WriteKeyGuard)`, or for every handler
 * as `{ provide: APP_GUARD, useClass: WriteKeyGuard }`. Handlers find `@WriteKey()`, `request.writeKey`, and the accepted
 * events in `request.body`.
 *
 * Refusals are written by the guard itself, so that no filter or platform changes them.
 */
@Injectable()
export class WriteKeyGuard implements CanActivate {
  private readonly setup: WriteKeySetup
  private readonly reflector: Reflector

  constructor(@Inject(WRITE_KEY_SETUP) setup: WriteKeySetup, @Inject(Reflector) reflector: Reflector) {
    this.setup = setup
    this.reflector = reflector
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()]
    if (this.reflector.getAllAndOverride<boolean | undefined>(skipMetadata, targets) === true) return true
    if (context.getType() !== 'http') throw unsupportedContext(context)

    const { keys, requestProperty } = this.setup
    const eventType =
      this.reflector.getAllAndOverride<string | undefined>(eventTypeMetadata, targets) ?? this.setup.eventType
    const exchange = toHttpExchange(context)
    const { request, rawRequest } = exchange
    const neutral = () =>
      toIngestRequest(rawRequest, { url: request.originalUrl, parsed: request, eventType })
    const before = findContext(request, rawRequest)
    const verdict = await verifyOnce(keys, before, neutral, eventType)
    if (!verdict.ok) return this.refuse(verdict, exchange, context)
    if (exchange.isAnswered()) return unanswered()
    setReplyHeaders(exchange.headers, verdict.headers)
    Object.assign(request, { [requestProperty]: createContext(verdict, keys, eventType, before) })
    if (verdict.body !== undefined) request.body = verdict.body
    return true
  }

  private async refuse(
    refused: Refused,
    exchange: HttpExchange,
    context: ExecutionContext,
  ): Promise<boolean> {
    const isPreflight = refused.reason === 'preflight'
    if (!isPreflight) await tellRefused(() => this.setup.onRefused?.(refused, context))
    if (exchange.isAnswered()) return unanswered()
    if (this.setup.throwRefusals && !isPreflight) {
      const { 'content-type': _, ...headers } = refused.reply.headers
      setReplyHeaders(exchange.headers, headers)
      throw new WriteKeyException(refused)
    }
    exchange.answer(refused.reply)
    return unanswered()
  }
}

/**
 * Stops Nest without an answer of its own: whatever a guard returns or throws ends in an exception filter, and a filter of
 * the app would write a second answer, or fail over the first. Nothing refers to the promise, so nothing is kept alive.
 */
function unanswered(): Promise<boolean> {
  return new Promise(() => undefined)
}

function unsupportedContext(context: ExecutionContext): Error {
  const handler = `${context.getClass().name}.${context.getHandler().name}`
  return new Error(
    `WriteKeyGuard guards HTTP handlers, and ${handler} is called by ${context.getType()}: ` +
      'mark it with @SkipWriteKey(), or guard it in another way.',
  )
}
