import { Agent, request } from 'node:http'

export interface PacedLoad {
  /** Number of answers by status. */
  statuses: Record<string, number>
  /** Milliseconds from sending to the answer's end. */
  latencies: number[]
}

export interface PacedLoadOptions {
  port: number
  /** Write keys, used in turn. */
  secrets: readonly string[]
  perSecond: number
  durationMs: number
  /** Default: one track event as JSON. */
  body?: string | Uint8Array
  /** Value of `Content-Encoding`. */
  coding?: string
}

const tickMs = 5
/** Fewer than a server keeps waiting to be accepted: beyond that the kernel drops and resets connections of a stalled one. */
const maxSockets = 256

/** Sends events at a steady rate, whatever becomes of them. @throws when a request gets no answer. */
export async function sendPaced({
  port,
  secrets,
  perSecond,
  durationMs,
  body = JSON.stringify({ type: 'track', event: 'Seen' }),
  coding,
}: PacedLoadOptions): Promise<PacedLoad> {
  const agent = new Agent({ keepAlive: true, maxSockets })
  const load: PacedLoad = { statuses: {}, latencies: [] }
  const answers: Promise<void>[] = []
  const startedAt = performance.now()
  let sent = 0

  function send(secret: string): Promise<void> {
    const sentAt = performance.now()
    const headers = {
      authorization: `Basic ${btoa(`${secret}:`)}`,
      'content-type': 'application/json',
      ...(coding !== undefined && { 'content-encoding': coding }),
    }
    return new Promise((resolve, reject) => {
      const asked = request({ agent, port, host: '127.0.0.1', path: '/v1/track', method: 'POST', headers })
      asked.once('error', reject)
      asked.once('response', (response) => {
        const status = String(response.statusCode)
        load.statuses[status] = (load.statuses[status] ?? 0) + 1
        response.resume()
        response.once('error', reject)
        response.once('end', () => {
          load.latencies.push(performance.now() - sentAt)
          resolve()
        })
      })
      asked.end(body)
    })
  }

  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedAt
      for (const due = (Math.min(elapsedMs, durationMs) / 1_000) * perSecond; sent < due; sent++) {
        answers.push(send(secrets[sent % secrets.length] as string))
      }
      if (elapsedMs < durationMs) return
      clearInterval(timer)
      resolve()
    }, tickMs)
  })
  await Promise.all(answers)
  agent.destroy()
  return load
}
