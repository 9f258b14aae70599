import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../src/adapter/index.ts'

/**
 * The error of routes that are registered inside a plugin; undefined at the root. Fastify runs the hooks of a plugin for that plugin's
 * routes only, and these paths have no routes: every request would get 404.
 */
export function errorInside(fastify: FastifyInstance, name: string, prefix: string): ConfigError | undefined {
  // Each context inherits from the one that it is in.
  if (!('addHook' in Object.getPrototypeOf(fastify))) return undefined
  const whole = fastify.prefix + prefix
  const options = whole === '' ? '' : `, { prefix: '${whole}' }`
  return new ConfigError(
    name,
    `${name} must be registered at the root of the app, not inside a plugin, where Fastify would answer 404 to all of its requests: app.register(${name}(api)${options}).`,
  )
}
