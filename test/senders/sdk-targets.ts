import { createServer, type RequestListener, request as sendRequest } from 'node:http'
import { Readable, Writable } from 'node:stream'
import express from 'express'
import { ingestRoutes } from '../../adapters/express.ts'
import { serve as runServe } from '../../src/cli/serve.ts'
import { createWriteKeys, type IngestEvent, type RateLimiter } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { refusalReply } from '../../src/verifier/replies.ts'
import { serve } from '../neighbours/served.ts'

/** Where an SDK sends to: a server that refuses its second request with 429 and its third with 503, and takes all others. */
export interface Target {
  key: string
  url: string
  /** Names of what has arrived, by request. */
  arrived: string[][]
  statuses: number[]
  close(): unknown
}

const nameOf = (event: IngestEvent) => String(event.event ?? event.name)

/** Wraps a listener, so that the statuses that it answers are known. */
function watched(statuses: number[], listener: RequestListener): RequestListener {
  return (request, response) => {
    response.on('finish', () => statuses.push(response.statusCode))
    listener(request, response)
  }
}

/** The second charge finds the bucket empty, the third a limiter that is broken. */
function createRefusingLimiter(): RateLimiter {
  let charges = 0
  return {
    consume() {
      charges++
      if (charges === 3) throw new Error('out of order')
      const allowed = charges !== 2
      return { allowed, remaining: allowed ? 100 : 0, retryAfterMs: allowed ? 0 : 300, resetMs: 300 }
    },
    refund() {},
    close() {},
  }
}

export async function startExpress(): Promise<Target> {
  const keys = createWriteKeys({ limiter: createRefusingLimiter(), logger: false })
  const { key } = await keys.create({ name: 'Backend', sourceType: 'server', rateLimitEps: 1_000 })
  const [arrived, statuses]: [string[][], number[]] = [[], []]
  const app = express().use(
    ingestRoutes(
      createIngestApi<IngestEvent>(keys, { onEvents: (events) => void arrived.push(events.map(nameOf)) }),
    ),
  )
  const { url, close } = await serve(watched(statuses, app))
  return {
    key,
    url,
    arrived,
    statuses,
    close() {
      close()
      return keys.close()
    },
  }
}

/** `writekey serve`, behind a proxy that refuses as it would itself. */
export async function startServe(): Promise<Target> {
  const lines: string[] = []
  const stdout = new Writable({
    write(chunk, _, done) {
      lines.push(...String(chunk).split('\n'))
      done()
    },
  })
  const terminal = { stdin: Readable.from([]), stdout, stderr: new Writable({ write: () => {} }), env: {} }
  const server = await runServe({ store: 'memory:', port: '0' }, terminal as never)
  const key = /^Write key: +(sk_live_\w+)$/m.exec(lines.join('\n'))?.[1] as string

  const statuses: number[] = []
  let requests = 0
  const proxy: RequestListener = (request, response) => {
    requests++
    if (requests === 2 || requests === 3) {
      const reason = requests === 2 ? 'rate_limited' : 'store_unavailable'
      const details = { allowOrigin: '*', fromBrowser: false, closeConnection: false, retryAfterSeconds: 1 }
      const { status, headers, body } = refusalReply(reason, 'auto', details)
      request.resume()
      response.writeHead(status, headers).end(body)
      return
    }
    const { method, url, headers } = request
    const onward = sendRequest(server.url + url, { method: method as string, headers }, (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  }
  const { url, close } = await serve(createServer(watched(statuses, proxy)).listeners('request')[0] as never)
  return {
    key,
    url,
    /** One line for each event: who sent which together is not said. */
    get arrived() {
      return lines.filter((line) => line.startsWith('{')).map((line) => [nameOf(JSON.parse(line))])
    },
    statuses,
    close() {
      close()
      return server.stop()
    },
  }
}
