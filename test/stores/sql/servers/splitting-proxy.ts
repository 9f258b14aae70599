import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A proxy for PostgreSQL that sends what begins with "select" to a replica, and everything else, as well as what is inside a
 * transaction, to the primary: as pgpool does.
 */
export interface SplittingProxy {
  readonly port: number
  /** Whether reads go to the replica. */
  split(on: boolean): void
  close(): Promise<void>
}

export async function startSplittingProxy(primaryPort: number, replicaPort: number): Promise<SplittingProxy> {
  let splitting = false
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const [primary, replica] = [connect(primaryPort, '127.0.0.1'), connect(replicaPort, '127.0.0.1')]
    for (const socket of [client, primary, replica]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        for (const other of [client, primary, replica]) other.destroy()
      })
    }
    let inTransaction = false
    let chosen = primary
    let replicaIsReady = false
    const fromClient = readMessages(false, ({ type, body, bytes }) => {
      if (type === undefined) {
        primary.write(bytes)
        replica.write(bytes)
        return
      }
      const text = type === 'P' ? body.subarray(body.indexOf(0) + 1) : type === 'Q' ? body : undefined
      if (text !== undefined) {
        const isRead = /^\s*select\b/i.test(text.toString('latin1'))
        chosen = splitting && replicaIsReady && isRead && !inTransaction ? replica : primary
      }
      chosen.write(bytes)
    })
    client.on('data', fromClient)
    primary.on(
      'data',
      readMessages(true, ({ type, body, bytes }) => {
        if (type === 'Z') inTransaction = body.toString('latin1') !== 'I'
        client.write(bytes)
      }),
    )
    replica.on(
      'data',
      readMessages(true, ({ type, bytes }) => {
        // Its greeting is not the client's.
        if (replicaIsReady) client.write(bytes)
        else if (type === 'Z') replicaIsReady = true
      }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    split(on) {
      splitting = on
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Message {
  /** Undefined for the first one of a client, which has none. */
  type: string | undefined
  body: Buffer
  /** All of it. */
  bytes: Buffer
}

function readMessages(firstHasType: boolean, onMessage: (message: Message) => void): (data: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  let hasType = firstHasType
  return (data) => {
    pending = Buffer.concat([pending, data])
    for (;;) {
      const start = hasType ? 1 : 0
      if (pending.length < start + 4) return
      const end = start + pending.readInt32BE(start)
      if (pending.length < end) return
      const bytes = pending.subarray(0, end)
      pending = pending.subarray(end)
      onMessage({
        type: hasType ? String.fromCharCode(bytes[0] as number) : undefined,
        body: bytes.subarray(start + 4),
        bytes,
      })
      hasType = true
    }
  }
}
