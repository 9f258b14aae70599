import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port on 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  // A cluster node of Redis also listens 10 000 higher.
  return port <= 55_000 ? port : freePort()
}
