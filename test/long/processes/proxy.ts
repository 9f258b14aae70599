import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A TCP proxy that can swallow everything, as a network does that drops packets: nothing is refused, nothing arrives. */
export interface TcpProxy {
  readonly port: number
  blackhole(on: boolean): void
  /** Everything takes so long on its way, piece after piece; 0: at once. */
  delay(ms: number): void
  /** Refuses new connections and cuts those there are, or accepts again. */
  cut(on: boolean): void
  close(): Promise<void>
}

export async function startProxy(host: string, port: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let swallowing = false
  let refusing = false
  let delayMs = 0
  const server = createServer((near) => {
    if (refusing) {
      near.resetAndDestroy()
      return
    }
    const far = connect(port, host)
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
      let sent = Promise.resolve()
      let waiting = 0
      from.on('data', (data) => {
        if (delayMs === 0 && waiting === 0) {
          to.write(data)
          return
        }
        waiting++
        // In order, also when the delay has changed meanwhile.
        sent = sent.then(async () => {
          await sleep(delayMs)
          waiting--
          to.write(data)
        })
      })
    }
    if (swallowing) for (const socket of pair) socket.pause()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  return {
    port: address.port,
    blackhole(on) {
      swallowing = on
      for (const pair of pairs) for (const socket of pair) on ? socket.pause() : socket.resume()
    },
    delay(ms) {
      delayMs = ms
    },
    cut(on) {
      refusing = on
      if (on) for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
