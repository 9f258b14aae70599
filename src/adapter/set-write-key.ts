import { type OptionReader, text } from '../runtime/options.ts'
import type { WriteKeyContext } from './request-context.ts'

/**
 * Sets `request.writeKey`, or another property that `requestProperty` names.
 * @param holder where handlers look: the framework's request, or its state
 */
export function setWriteKey(holder: object, requestProperty: string, context: WriteKeyContext): void {
  // Not `Reflect.set`: that takes a microsecond.
  ;(holder as Record<string, unknown>)[requestProperty] = context
}

/** What every object has. */
const namesOfObjects = '__proto__|constructor|prototype|hasOwnProperty|toString|valueOf'

/**
 * Names on Node's request that Node and the frameworks around it use, as the alternatives of a RegExp. Without these, or with others in
 * their place, they fail at the first good request.
 */
export const namesOfNodeRequests =
  '_\\w*|aborted|accepts\\w*|addListener|app|baseUrl|body\\w*|complete|connection|context|cookies|ctx|destroy|destroyed|emit|errored|files?|fresh|get|header|headers\\w*|host\\w*|href|http\\w*|id|ip|ips|is|length|listenerCount|listeners|log|method|next|off|on|once|origin\\w*|params|path|pause|pipe|protocol|query|querystring|raw\\w*|read\\w*|removeAllListeners|removeListener|req|request|res|response|resume|route\\w*|search|secure|server|setEncoding|setTimeout|signal|signedCookies|socket|stale|statusCode|statusMessage|stream|subdomains|trailers\\w*|type|unpipe|unshift|url|validateRequest|wrap|xhr'

/**
 * The option `requestProperty`.
 * @param taken names that somebody else uses on the holder, as the alternatives of a RegExp
 */
export function requestPropertyReader(taken: string | undefined): OptionReader<string> {
  const reserved = taken === undefined ? namesOfObjects : `${namesOfObjects}|${taken}`
  return text(
    new RegExp(`^(?!(?:${reserved})$)[\\s\\S]+$`),
    taken === undefined
      ? 'the name of a property, such as writeKey'
      : 'the name of a property that neither Node nor a framework uses, such as writeKey',
    'writeKey',
  )
}
