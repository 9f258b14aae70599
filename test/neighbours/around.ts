import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent, type WriteKeys } from '../../src/index.ts'
import type { OtherAnswers } from './neighbour.ts'
import { everyRequest, type NeighbourRequest, type RequestName, requests } from './requests.ts'

/** What a handler got. */
export interface HandledRequest {
  events: unknown
  body: unknown
}

export interface AroundApp {
  listener: RequestListener
  close?(): Promise<void>
}

/**
 * One app around a guarded `/v1`, all requests of the table over HTTP, and the answers that it has to give.
 * @param build makes the app; what its handler gets goes into `handled`
 */
export function aroundContract(
  name: string,
  build: (keys: WriteKeys, handled: HandledRequest[]) => AroundApp | Promise<AroundApp>,
  others: OtherAnswers = {},
  names: readonly RequestName[] = everyRequest,
): void {
  describe(name, () => {
    const handled: HandledRequest[] = []
    const told: WriteKeyEvent[] = []
    const keys = createWriteKeys({ onEvent: (event) => told.push(event) })
    const server = start()
    afterAll(async () => {
      const { http, app } = await server
      http.closeAllConnections()
      http.close()
      await app.close?.()
      await keys.close()
    })

    async function start() {
      const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 10_000 })
      const app = await build(keys, handled)
      const http = createServer(app.listener)
      http.listen(0, '127.0.0.1')
      await once(http, 'listening')
      return { http, app, key, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
    }

    async function send(request: NeighbourRequest, headers: Record<string, string> = {}) {
      const { key, url } = await server
      const { path = '/v1/track', method = 'POST', body } = request
      const sent = typeof body === 'function' ? body() : body
      handled.length = 0
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Basic ${btoa(`${request.key ?? key}:`)}`,
          'accept-encoding': 'identity',
          ...request.headers,
          ...headers,
        },
        ...(sent !== undefined && { body: sent, duplex: 'half' }),
      } as RequestInit)
      return { response, text: await response.text() }
    }

    it.each(names)('answers %s', async (which) => {
      const request = requests[which]
      const other = others[which]
      const { response, text } = await send(request)
      const expected = [other ?? request.status].flat()
      expect(expected, text).toContain(response.status)
      if (response.status !== 200) {
        expect(handled).toEqual([])
        return
      }
      expect(handled).toHaveLength(1)
      expect(handled[0]?.events).toEqual(request.events)
      if (request.handledBody !== undefined) expect(handled[0]?.body).toEqual(request.handledBody)
    })

    it('lets a page read accepted and refused answers, never with * beside credentials', async () => {
      for (const which of ['JSON', 'a wrong key'] as const) {
        const { response } = await send(requests[which], { origin: 'https://app.example.com' })
        const { headers } = response
        const allowed = headers.get('access-control-allow-origin')
        expect(['*', 'https://app.example.com']).toContain(allowed)
        if (headers.has('access-control-allow-credentials')) expect(allowed).toBe('https://app.example.com')
        expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
        expect(headers.get('vary')?.toLowerCase()).toContain('origin')
      }
    })

    it('answers a preflight with what a sender needs', async () => {
      const { url } = await server
      const response = await fetch(`${url}/v1/track`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example.com',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      })
      expect(response.status).toBe(204)
      expect(['*', 'https://app.example.com']).toContain(response.headers.get('access-control-allow-origin'))
      expect(response.headers.get('access-control-allow-methods')).toContain('POST')
      expect(response.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization')
    })

    it('has told of each body that it could not read, once for each cause', () => {
      const taken = told.filter((event) => event.type === 'internal_error').map(({ error }) => error.message)
      expect(taken).toEqual([...new Set(taken)])
      const isLost = names.some((which) => others[which] === 503)
      expect(taken.some((message) => message.includes('mount writeKeyAuth before it'))).toBe(isLost)
    })
  })
}
