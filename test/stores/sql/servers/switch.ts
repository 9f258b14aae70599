import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** One address before several servers, as a virtual address or a proxy is: where it leads can be changed. */
export interface Switch {
  readonly port: number
  /** New connections lead there; those there are stay. */
  leadTo(port: number): void
  /** Ends the connections there are. */
  cut(): void
  close(): Promise<void>
}

export async function startSwitch(port: number): Promise<Switch> {
  let target = port
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => to.write(data))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    leadTo(next) {
      target = next
    },
    cut,
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The same database through another port. */
export function through(url: string, port: number): string {
  const switched = new URL(url)
  switched.port = String(port)
  return switched.href
}
