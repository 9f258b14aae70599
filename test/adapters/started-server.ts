import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WriteKeys } from '../../src/index.ts'
import type { AdapterServer, Handled } from '../contract/adapter-contract.ts'

/** Listens on a port of its own and makes it what the contract asks for. */
export async function startServer(
  server: Server,
  keys: WriteKeys,
  handled: readonly Handled[],
  close: () => unknown = () => {},
): Promise<AdapterServer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    handled: () => handled,
    async close() {
      server.closeAllConnections()
      server.close()
      await close()
      await keys.close()
    },
  }
}
