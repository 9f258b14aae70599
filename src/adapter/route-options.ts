import { routePrefix } from '../http/path-prefix.ts'
import { ConfigError } from '../runtime/config-error.ts'
import { givenNames } from '../runtime/given-fields.ts'
import { anything, type OptionReader, readOptions } from '../runtime/options.ts'

/** Options of `adminRoutes` and `ingestRoutes` where a mount point of the framework does not shorten the URL. */
export interface RouteOptions<Ip> {
  /**
   * The client's address, as for `writeKeyAuth`. If it throws, or returns what is no text, the request is refused: with 503, by the
   * management API with 500. Default: unknown.
   */
  ip?: Ip | undefined
  /** The path that the routes are below, such as `'/internal'`. Default `''`: none. */
  path?: string | undefined
}

/**
 * Reads the options of `adminRoutes` and `ingestRoutes`.
 * @param owner the name of the function, for messages
 * @throws ConfigError for an unknown option or a bad value
 */
export function readRouteOptions<Ip>(owner: string, given: RouteOptions<Ip>, ip: OptionReader<Ip>) {
  return readOptions(owner, given, { ip, path: routePrefix('/internal') })
}

/**
 * Reads what Fastify's `register` passes to a plugin: the prefix, and options that Fastify uses itself.
 * @throws ConfigError for an unknown option or a bad value
 */
export function readRegisterOptions(owner: string, given: unknown) {
  return readOptions(owner, given, {
    prefix: routePrefix('/internal'),
    logLevel: anything(),
    logSerializers: anything(),
  })
}

/**
 * Refuses options where there are none: an ignored path would leave the routes at the root of the app.
 * @param given the arguments after the API
 * @param mounted how to serve them below a path, in code
 * @throws ConfigError
 */
export function refuseRouteOptions(owner: string, [given]: readonly unknown[], mounted: string): void {
  const names = givenNames(given, [])
  if (given === undefined || names?.length === 0) return
  throw new ConfigError('options', `${owner} takes no options here. Below a path it is ${mounted}.`)
}
