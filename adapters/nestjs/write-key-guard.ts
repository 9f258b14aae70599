import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import {
  createContext,
  hideKey,
  setAcceptedBody,
  setWriteKey,
  sharedLayout,
  tellRefused,
  toIngestRequest,
  verifyOnce,
} from '../../src/adapter/index.ts'
import { type Refused } from '../../src/index.ts'
import { eventTypeMetadata, skipMetadata } from './decorators.ts'
import { type HttpExchange, toHttpExchange } from './http-exchange.ts'
import type { WriteKeySetup } from './module-options.ts'
import { WriteKeyException } from './write-key-exception.ts'

/** Injection token of the resolved options. */
export const WRITE_KEY_SETUP: unique symbol = Symbol('writekey:setup')

/** The same for guards of another copy of this package, whose own module is not there. */
export const SHARED_SETUP: symbol = Symbol.for(`writekey.nestjs.setup.${sharedLayout}`)

/** On what is a guard of any copy. */
const guardMark: symbol = Symbol.for('writekey.nestjs.guard')

interface GuardedRoute {
  isSkipped: boolean
  eventType: string | undefined
}

/**
 * Lets a request through to its handler when its write key is good: with `@UseGuards(WriteKeyGuard)`, or for
 * every handler as `{ provide: APP_GUARD, useClass: WriteKeyGuard }`. Handlers find `@WriteKey()`,
 * `request.writeKey`, and the accepted events in `request.body`.
 *
 * Refusals are written by the guard itself, so that no filter or platform changes them.
 */
@Injectable()
export class WriteKeyGuard implements CanActivate {
  private readonly setup: WriteKeySetup
  private readonly reflector: Reflector
  /** By controller and handler: a controller may inherit its handlers. */
  private readonly routes = new WeakMap<object, WeakMap<object, GuardedRoute>>()

  constructor(
    @Optional() @Inject(WRITE_KEY_SETUP) setup: WriteKeySetup | undefined,
    @Inject(Reflector) reflector: Reflector,
    @Optional() @Inject(SHARED_SETUP) shared?: WriteKeySetup,
  ) {
    const found = setup ?? shared
    if (found === undefined)
      throw new Error(
        'WriteKeyGuard needs WriteKeyModule: add WriteKeyModule.forRoot() to the imports of a module.',
      )
    this.setup = found
    this.reflector = reflector
  }

  static {
    Object.defineProperty(WriteKeyGuard.prototype, guardMark, { value: true })
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.routeOf(context)
    if (route.isSkipped) return true
    if (context.getType() !== 'http') throw unsupportedContext(context)

    const { keys, requestProperty } = this.setup
    const { eventType } = route
    const exchange = toHttpExchange(context)
    const { request, rawRequest, rawResponse } = exchange
    const neutral = () =>
      toIngestRequest(rawRequest, {
        url: request.originalUrl,
        mountPath: request.baseUrl,
        parsed: request,
        response: rawResponse,
        keys,
        eventType,
        workspace: this.setup.workspaceOf(request),
      })
    const verdict = await verifyOnce(rawRequest, keys, neutral, eventType, request)
    hideKey(rawRequest, verdict.carried, request)
    if (!verdict.ok) return this.refuse(verdict, exchange, context)
    const headers = exchange.accept(verdict.headers)
    if (headers === undefined) return unanswered()
    const key = createContext(rawRequest, verdict, keys, eventType, rawRequest, headers)
    setWriteKey(request, requestProperty, key)
    if (verdict.body !== undefined) setAcceptedBody(rawRequest, request, verdict.body)
    return true
  }

  /** What decorators say about the handler, looked up once: doing so for each request took 3 µs. */
  private routeOf(context: ExecutionContext): GuardedRoute {
    const [handler, controller] = [context.getHandler(), context.getClass()]
    const known = this.routes.get(controller)?.get(handler)
    if (known !== undefined) return known
    const say = <Value>(metadata: string) =>
      this.reflector.getAllAndOverride<Value | undefined>(metadata, [handler, controller])
    const route = {
      isSkipped: say<boolean>(skipMetadata) === true,
      eventType: say<string>(eventTypeMetadata) ?? this.setup.eventType,
    }
    const routes = this.routes.get(controller) ?? new WeakMap<object, GuardedRoute>()
    this.routes.set(controller, routes.set(handler, route))
    return route
  }

  private async refuse(
    refused: Refused,
    exchange: HttpExchange,
    context: ExecutionContext,
  ): Promise<boolean> {
    // Nobody is left to answer.
    if (refused.reason === 'client_aborted') return unanswered()
    const isPreflight = refused.reason === 'preflight'
    if (!isPreflight) await tellRefused(() => this.setup.onRefused?.(refused, context))
    if (exchange.isAnswered()) return unanswered()
    if (this.setup.throwRefusals && !isPreflight) {
      const { 'content-type': _, ...headers } = refused.reply.headers
      exchange.prepareRefusal(headers)
      throw new WriteKeyException(refused)
    }
    exchange.answer(refused.reply)
    return unanswered()
  }
}

/** Whether it is such a guard or a class of them, of any copy of this package. */
export function isWriteKeyGuard(guard: unknown): boolean {
  const instance: unknown = typeof guard === 'function' ? guard.prototype : guard
  return typeof instance === 'object' && instance !== null && guardMark in instance
}

/**
 * Stops Nest without an answer of its own: anything a guard returns or throws ends in an exception filter,
 * and a filter of the app would write a second answer, or fail over the first. Nothing refers to the promise,
 * so nothing is kept alive.
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
