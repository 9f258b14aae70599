import { Agent, type ClientRequest, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerMessages } from './messages.ts'

/** A sender of many bodies at once, apart from those whose answers are timed. */
interface Burst {
  port: number
  secret: string
  coding: string
  /** Base64. */
  body: string
  count: number
}

/** Time for the server to see all of the heads. */
const settleMs = 1_000

let opened: ClientRequest[] = []
let bytes = Buffer.alloc(0)

answerMessages({
  /** Opens so many connections and sends a head on each: what that costs is not the bodies' doing. */
  async open({ port, secret, coding, body, count }: Burst) {
    bytes = Buffer.from(body, 'base64')
    const agent = new Agent({ keepAlive: false })
    const headers = {
      authorization: `Basic ${btoa(`${secret}:`)}`,
      'content-encoding': coding,
      'content-length': bytes.length,
    }
    opened = Array.from({ length: count }, () =>
      request({ agent, port, host: '127.0.0.1', path: '/v1/track', method: 'POST', headers }),
    )
    await Promise.all(
      opened.map(
        (sent) =>
          new Promise<void>((resolve, reject) => {
            sent.once('error', reject)
            sent.once('socket', (socket) => socket.once('connect', resolve))
            sent.flushHeaders()
          }),
      ),
    )
    await sleep(settleMs)
  },
  /** Sends all of the bodies, and counts the answers by status. */
  async fire() {
    const statuses: Record<string, number> = {}
    const send = (sent: ClientRequest) =>
      new Promise<void>((resolve, reject) => {
        sent.once('error', reject)
        sent.once('response', (response) => {
          const status = String(response.statusCode)
          statuses[status] = (statuses[status] ?? 0) + 1
          response.resume()
          response.once('end', resolve)
        })
        sent.end(bytes)
      })
    await Promise.all(opened.map(send))
    return statuses
  },
})
