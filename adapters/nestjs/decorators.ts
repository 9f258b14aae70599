import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common'
import { findContext, requireContext, type WriteKeyContext } from '../../src/adapter/index.ts'
import { toHttpExchange } from './http-exchange.ts'

/** Metadata keys; values are read from the handler first, then from its controller. */
export const eventTypeMetadata = 'writekey:event-type'
export const skipMetadata = 'writekey:skip'

/**
 * Injects the key that verified the request, and its events: a `WriteKeyContext`, or one field of it by name.
 * Undefined in a handler that `WriteKeyGuard` does not guard.
 *
 * @example
 * ```ts
 * @Post('track')
 * track(@WriteKey() key: WriteKeyContext, @WriteKey('events') events: IngestEvent[]) {}
 * ```
 */
export const WriteKey: (field?: keyof WriteKeyContext) => ParameterDecorator = createParamDecorator(
  (field: keyof WriteKeyContext | undefined, context: ExecutionContext) => {
    if (context.getType() !== 'http') return undefined
    const found = findContext(toHttpExchange(context).rawRequest)
    return field === undefined ? found : found?.[field]
  },
)

/** The type of every event of this handler or controller, for routes whose path does not say it. */
export const EventType = (eventType: string): MethodDecorator & ClassDecorator =>
  SetMetadata(eventTypeMetadata, eventType)

/** Lets this handler or controller be reached without a write key. `false` overrides the controller. */
export const SkipWriteKey = (skip = true): MethodDecorator & ClassDecorator => SetMetadata(skipMetadata, skip)

/**
 * What `WriteKeyGuard`, or a guard in front of the app, has stored for a request of Express's or Fastify's.
 * @throws Error when the request has not passed one.
 */
export function writeKeyOf(request: object): WriteKeyContext {
  const { raw = request } = request as { raw?: object }
  return requireContext(raw)
}
