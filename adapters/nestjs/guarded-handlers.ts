import 'reflect-metadata'
import { APP_GUARD, MetadataScanner, type ModuleRef, type ModulesContainer } from '@nestjs/core'
import { skipMetadata } from './decorators.ts'
import { isWriteKeyGuard } from './write-key-guard.ts'

/** A method of a controller. */
type Handler = (...args: unknown[]) => unknown

/** Nest's own metadata keys, which it does not export from its root. */
const guardsMetadata = '__guards__'
const pathMetadata = 'path'

/**
 * Nest copies the metadata of a method onto the route handler that it creates: this tells which method that
 * was.
 */
const handlerMetadata = 'writekey:handler'
/** Metadata that Nest's Fastify adapter puts into the `config` of the route. */
const fastifyConfigMetadata = '__fastify_route_config__'
const fastifyConfigKey = 'writeKeyHandler'

/**
 * The methods of controllers that only `WriteKeyGuard` lets requests through to, marked so that a route leads
 * back to them. A method that two controllers inherit counts when it is guarded in both.
 */
export function findGuardedHandlers(modules: ModulesContainer, moduleRef: ModuleRef): Set<unknown> {
  const scanner = new MetadataScanner()
  const guarded = new Set<unknown>()
  const open = new Set<unknown>()
  const everywhere = isGlobalGuard(modules, moduleRef)
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      if (typeof metatype !== 'function') continue
      for (const name of scanner.getAllMethodNames(metatype.prototype)) {
        const handler: unknown = metatype.prototype[name]
        if (typeof handler !== 'function' || !Reflect.hasMetadata(pathMetadata, handler)) continue
        mark(handler as Handler)
        const isGuarded = !isSkipped(handler, metatype) && (everywhere || hasGuard(handler, metatype))
        ;(isGuarded ? guarded : open).add(handler)
      }
    }
  }
  for (const handler of open) guarded.delete(handler)
  return guarded
}

/** The method behind the handler of a route; undefined when it is not Nest's. */
export function methodOfRouteHandler(handler: object): unknown {
  return Reflect.getMetadata(handlerMetadata, handler)
}

/** The same for a Fastify route: Nest wraps the handlers of some, and omits the `config` of others. */
export function methodOfFastifyRoute({ handler, config }: { handler: object; config?: unknown }): unknown {
  return methodOfRouteHandler(handler) ?? (config as Record<string, unknown> | undefined)?.[fastifyConfigKey]
}

function mark(handler: Handler): void {
  Reflect.defineMetadata(handlerMetadata, handler, handler)
  const config = Reflect.getMetadata(fastifyConfigMetadata, handler)
  Reflect.defineMetadata(fastifyConfigMetadata, { ...config, [fastifyConfigKey]: handler }, handler)
}

function isSkipped(handler: object, controller: object): boolean {
  return (
    (Reflect.getMetadata(skipMetadata, handler) ?? Reflect.getMetadata(skipMetadata, controller)) === true
  )
}

function hasGuard(handler: object, controller: object): boolean {
  return [handler, controller].some((target) => {
    const guards: unknown[] = Reflect.getMetadata(guardsMetadata, target) ?? []
    return guards.some(isWriteKeyGuard)
  })
}

/** Registered as `APP_GUARD`, or by `app.useGlobalGuards()`, which only Nest's own configuration knows. */
function isGlobalGuard(modules: ModulesContainer, moduleRef: ModuleRef): boolean {
  for (const { providers } of modules.values()) {
    for (const [token, { instance, metatype }] of providers) {
      const isAppGuard = typeof token === 'string' && token.startsWith(APP_GUARD)
      if (isAppGuard && (isWriteKeyGuard(instance) || isWriteKeyGuard(metatype))) return true
    }
  }
  const { container } = moduleRef as unknown as {
    container?: { applicationConfig?: { getGlobalGuards?(): unknown[] } }
  }
  return container?.applicationConfig?.getGlobalGuards?.().some(isWriteKeyGuard) === true
}
