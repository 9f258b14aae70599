import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import { ConfigError, readRegisterOptions } from '../src/adapter/index.ts'

/** What `fastify.register` passes to `adminRoutes` and `ingestRoutes`. */
export interface PrefixOptions {
  /** The path that they are below, such as `/internal`. Default: none. */
  prefix?: string
}

/**
 * As `fastify-plugin` does it: hooks go to the context that the plugin is registered in, not to one of its
 * own.
 */
export function asPartOfItsContext(
  add: (fastify: FastifyInstance, options: object) => void,
): FastifyPluginCallback<PrefixOptions> {
  const plugin: FastifyPluginCallback<PrefixOptions> = (fastify, options, done) => {
    let error: Error | undefined
    try {
      add(fastify, options)
    } catch (thrown) {
      error = thrown as Error
    }
    done(error)
  }
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'writekey',
    [Symbol.for('plugin-meta')]: { name: 'writekey', fastify: '>=5' },
  })
}

/** @throws ConfigError for options of the guard that are given to `register`, which would ignore them */
export function assertNoGuardOptions(options: object): void {
  const fastifysOwn = ['prefix', 'logLevel', 'logSerializers']
  if (Object.keys(options).every((name) => fastifysOwn.includes(name))) return
  throw new ConfigError(
    'options',
    'Options of writeKeyAuth belong to itself, as in register(writeKeyAuth(keys, { workspace })); register would ignore them.',
  )
}

/**
 * The prefix of routes that are registered at the root.
 * @param name the function that has made them
 * @throws ConfigError for options that they do not have; and inside a plugin: Fastify runs the hooks of a plugin for that plugin's
 * routes only, and these paths have no routes, so every request would get 404
 */
export function prefixAtRoot(fastify: FastifyInstance, name: string, options: object): string {
  const { prefix } = readRegisterOptions(name, options)
  // Each context inherits from the one that it is in.
  if (!('addHook' in Object.getPrototypeOf(fastify))) return prefix
  const whole = fastify.prefix + prefix
  const told = whole === '' ? '' : `, { prefix: '${whole}' }`
  throw new ConfigError(
    name,
    `${name} must be registered at the root of the app, not inside a plugin, where Fastify would answer 404 to all of its requests: app.register(${name}(api)${told}).`,
  )
}
