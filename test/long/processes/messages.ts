import type { Server } from 'node:http'

/** Answers the messages of a test by name: the child's end of `spawn.ts`. */
export function answerMessages(handlers: Record<string, (message: never) => unknown>): void {
  process.on('message', async (message: { type: string; number: number }) => {
    try {
      const handler = handlers[message.type]
      if (handler === undefined) throw new Error(`nobody answers ${message.type}`)
      process.send?.({ answers: message.number, answer: await handler(message as never) })
    } catch (error) {
      process.send?.({ answers: message.number, error: String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ ready: true })
}

/** Ends the process on SIGTERM, once the server has answered what it has begun and `close` is done. */
export function endOnSignal(server: Server, close: () => Promise<unknown>): void {
  process.on('SIGTERM', async () => {
    const ended = new Promise((resolve) => server.close(resolve))
    // A sender with a request under way would keep its connection, and send the next request over it, and so on.
    server.prependListener('request', (_, response) => response.setHeader('connection', 'close'))
    server.closeIdleConnections()
    await ended
    await close()
    process.exit(0)
  })
}

export function readOptions<Options>(): Options {
  return JSON.parse(process.argv[2] as string) as Options
}

/** Milliseconds on the one clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}
