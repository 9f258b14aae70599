import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'
import { describeWithService } from '../services.ts'
import { proxyKinds, type RunningProxy, startProxy } from './proxies.ts'

const clients = 20
const requestsEach = 15

for (const kind of proxyKinds) {
  describeWithService(
    kind.service,
    `behind ${kind.service}, which hands bodies on as they come`,
    (program) => {
      let keys: WriteKeys
      let server: Server
      let proxy: RunningProxy
      let good: string
      let limited: string
      let connections = 0

      beforeAll(async () => {
        keys = createWriteKeys()
        good = basic((await keys.create({ name: 'Good', sourceType: 'web' })).key)
        limited = basic((await keys.create({ name: 'Limited', sourceType: 'web', rateLimitEps: 0.001 })).key)
        await keys.verify({ method: 'GET', path: '/', headers: { authorization: limited } })
        const app = express().use(
          '/v1',
          writeKeyAuth(keys),
          (_, response) => void response.json({ ok: true }),
        )
        server = createServer(app).listen(0, '127.0.0.1')
        server.on('connection', () => connections++)
        await once(server, 'listening')
        proxy = await startProxy(program, kind, (server.address() as AddressInfo).port)
      })
      afterAll(async () => {
        await proxy?.close()
        server?.closeAllConnections()
        server?.close()
        await keys?.close()
      })

      /** One request after the other, in pieces; gives the status of each answer, or what came instead. */
      async function sendInPieces(authorization: () => string, length: number, sentFirst: number) {
        const outcomes: string[] = []
        for (let count = 0; count < requestsEach; count++) {
          // A connection each: nginx reads no further request behind one that was answered before its body had come.
          const socket = await openSocket(proxy.url)
          const body = '{}'.padEnd(length)
          const head = ['Host: app.example', `Authorization: ${authorization()}`, `Content-Length: ${length}`]
          socket.write(toWire('POST /v1/track HTTP/1.1', head, body.slice(0, sentFirst)))
          const answered = createAnswerReader(socket)().then(
            ({ status }) => String(status),
            (error: Error) => error.message,
          )
          await sleep(5)
          for (let at = sentFirst; at < length; at += 16_384) socket.write(body.slice(at, at + 16_384))
          outcomes.push(await answered)
          socket.destroy()
        }
        return outcomes
      }

      it.each([
        ['that come late', 300, 0],
        ['of 40 KB', 40_000, 1_000],
        ['of 64 KiB', 65_536, 0],
        ['of 100 KB, of which less than 64 KiB are left', 100_000, 40_000],
      ])(
        'shows senders of bodies %s each refusal, and never a 502 or a reset',
        async (_, length, sentFirst) => {
          const senders = ['Basic junk', limited, good]
          const outcomes = await Promise.all(
            Array.from({ length: clients }, (_, client) => {
              let count = client
              return sendInPieces(() => senders[count++ % senders.length] as string, length, sentFirst)
            }),
          )
          const counts: Record<string, number> = {}
          for (const outcome of outcomes.flat()) counts[outcome] = (counts[outcome] ?? 0) + 1
          const third = (clients * requestsEach) / 3
          expect(counts).toEqual({ 200: third, 401: third, 429: third })
        },
      )

      it('lets it keep its connections to us when short bodies are refused', async () => {
        const before = connections
        const outcomes = await Promise.all(
          Array.from({ length: 5 }, () => sendInPieces(() => 'Basic junk', 300, 300)),
        )
        expect(new Set(outcomes.flat())).toEqual(new Set(['401']))
        expect(connections - before).toBeLessThanOrEqual(10)
      })
    },
  )
}
