import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { basic } from '../../../src/testing/adapter/golden/golden-request.ts'
import {
  createAnswerReader,
  openSocket,
  type RawAnswer,
  toWire,
} from '../../../src/testing/adapter/raw-http.ts'
import { knownTargets, targets } from './target-grammar.ts'
import { type Reached, targetServers } from './target-servers.ts'

const body = '{"userId":"u1"}'
const connections = 8
/** Ten times what 20 000 targets take on a quiet machine. */
const timeoutMs = 300_000

/**
 * Sends generated request targets to each framework, and finds none whose handler differs from the type we judge by.
 * @param count of targets, the same ones for each framework
 */
export function sameReading(count: number): void {
  const seed = Date.now()
  const generated = [...knownTargets, ...fc.sample(targets, { numRuns: count, seed })]

  describe(`${count} generated targets (seed ${seed})`, () => {
    it.each(targetServers)(
      'are read by us as by %s',
      async (_, start) => {
        const keys = createWriteKeys()
        const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
        const server = await start(keys)
        const differing: unknown[] = []
        let handled = 0
        let ambiguous = 0
        let sent = 0
        async function sendInTurn(): Promise<void> {
          const client = createClient(server.url, basic(key))
          while (sent < generated.length) {
            const target = generated[sent++] as string
            const answer = await client.post(target)
            if (answer?.status === 400 && answer.body.includes('"invalid_path"')) ambiguous++
            if (answer === undefined || answer.status >= 300) continue
            const { handler, judged } = JSON.parse(answer.body) as Reached
            handled++
            if (handler !== judged) differing.push({ target, handler, judged })
          }
          client.close()
        }
        await Promise.all(Array.from({ length: connections }, sendInTurn))
        await server.close()
        await keys.close()
        expect(differing).toEqual([])
        // Enough of them reach a handler, and enough of them try to slip past.
        expect(handled).toBeGreaterThan(generated.length / 10)
        expect(ambiguous).toBeGreaterThan(generated.length / 20)
      },
      timeoutMs,
    )
  })
}

/** One connection for as long as the server keeps it. */
function createClient(url: string, authorization: string) {
  let socket: Socket | undefined
  let read: ((method?: string) => Promise<RawAnswer>) | undefined

  function close(): void {
    socket?.destroy()
    socket = undefined
  }

  return {
    close,
    /** `undefined` when the server closed the connection without an answer. */
    async post(target: string): Promise<RawAnswer | undefined> {
      if (socket === undefined || socket.destroyed || socket.readableEnded) {
        socket = await openSocket(url)
        read = createAnswerReader(socket)
      }
      const head = [
        'Host: localhost',
        `Authorization: ${authorization}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]
      socket.write(toWire(`POST ${target} HTTP/1.1`, head, body))
      try {
        const answer = await read?.()
        if (answer?.headers.connection === 'close') close()
        return answer
      } catch {
        close()
        return undefined
      }
    },
  }
}
