import type { FastifyRequest, preValidationHookHandler } from 'fastify'

/** Headers that tell Fastify that there is a body to parse. */
const noBody = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined }

/** Headers that somebody else had put in place of Node's. */
const shownHeaders = new WeakMap<FastifyRequest, FastifyRequest['headers'] | undefined>()

/**
 * From here to `showBody` Fastify chooses a parser by the headers. It must find that there is nothing to
 * parse.
 */
export function hideBody(request: FastifyRequest): void {
  if (shownHeaders.has(request)) return
  const { headers, raw } = request
  shownHeaders.set(request, headers === raw.headers ? undefined : headers)
  request.headers = noBody
}

export const showBody: preValidationHookHandler = function showBody(request, _, done) {
  if (shownHeaders.has(request)) {
    request.headers = shownHeaders.get(request) as FastifyRequest['headers']
    shownHeaders.delete(request)
  }
  done()
}
