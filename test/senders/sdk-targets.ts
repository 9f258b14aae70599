import { type RequestListener, request as sendRequest } from 'node:http'
import { Readable, Writable } from 'node:stream'
import express, { type RequestHandler } from 'express'
import { ingestRoutes } from '../../adapters/express.ts'
import { serve as runServe } from '../../src/cli/serve.ts'
import { createWriteKeys, type IngestEvent, type RateLimiter } from '../../src/index.ts'
import { createIngestApi, type SenderName } from '../../src/ingest/index.ts'
import { refusalReply } from '../../src/verifier/refusal-reply.ts'
import { serve } from '../neighbours/served.ts'

/** Where an SDK sends to: a server that refuses its second request with 429 and its third with 503, and takes all others. */
export interface Target {
  key: string
  url: string
  /** Names of what has arrived, by request. */
  arrived: string[][]
  statuses: number[]
  close(): Promise<void>
}

const nameOf = (event: IngestEvent) => String(event.event ?? event.name)

/** Wraps a listener, so that the statuses that it answers are known, and when nothing is under way. */
function watch(listener: RequestListener) {
  const statuses: number[] = []
  const waiting: (() => void)[] = []
  let open = 0
  const watched: RequestListener = (request, response) => {
    open++
    response.on('close', () => {
      statuses.push(response.statusCode)
      open--
      if (open === 0) for (const go of waiting.splice(0)) go()
    })
    listener(request, response)
  }
  return {
    statuses,
    watched,
    /** An SDK that loses its answer would send again, to a server that is gone. */
    whenIdle: () => (open === 0 ? undefined : new Promise<void>((resolve) => void waiting.push(resolve))),
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

export interface ExpressOptions {
  /** Middleware in front of the endpoints. */
  front?: RequestHandler
  /** Default: true. */
  refuses?: boolean
  /** Where the endpoints are mounted. Default: the root. */
  at?: string
  senders?: readonly SenderName[]
}

export async function startExpress({
  front,
  refuses = true,
  at = '/',
  senders,
}: ExpressOptions = {}): Promise<Target> {
  const keys = createWriteKeys({ logger: false, ...(refuses && { limiter: createRefusingLimiter() }) })
  const { key } = await keys.create({ name: 'Backend', sourceType: 'server', rateLimitEps: 1_000 })
  const arrived: string[][] = []
  const app = express()
  if (front !== undefined) app.use(front)
  const api = createIngestApi<IngestEvent>(keys, {
    onEvents: (events) => void arrived.push(events.map(nameOf)),
    ...(senders && { senders }),
  })
  app.use(at, ingestRoutes(api))
  const { statuses, watched, whenIdle } = watch(app)
  const { url, close } = await serve(watched)
  return {
    key,
    url,
    arrived,
    statuses,
    async close() {
      await whenIdle()
      close()
      await keys.close()
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
  const { statuses, watched, whenIdle } = watch(proxy)
  const { url, close } = await serve(watched)
  return {
    key,
    url,
    /** One line for each event: who sent which together is not said. */
    get arrived() {
      return lines.filter((line) => line.startsWith('{')).map((line) => [nameOf(JSON.parse(line))])
    },
    statuses,
    async close() {
      await whenIdle()
      close()
      await server.stop()
    },
  }
}
