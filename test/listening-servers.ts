import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a test file has started. */
export interface Started {
  /** Called at the end, in the order they were given. */
  readonly closing: (() => unknown)[]
  /** @returns the URL of the server, on a port of its own. */
  listen(server: Server): Promise<string>
  closeAll(): Promise<void>
}

/** Servers of a test file, which are closed together. */
export function startedServers(): Started {
  const closing: (() => unknown)[] = []
  return {
    closing,
    async listen(server) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      closing.push(() => {
        server.closeAllConnections()
        server.close()
      })
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    async closeAll() {
      for (const close of closing.splice(0)) await close()
    },
  }
}
