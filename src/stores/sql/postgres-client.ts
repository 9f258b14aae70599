import type { Socket } from 'node:net'
import type { Client } from 'pg'
import { aliveWithinMs, ignore, longestConnectMs } from './connections.ts'
import { type DriverModule, driverOr } from './given-driver.ts'
import { makeSocket } from './own-socket.ts'

export interface PostgresDriver {
  Client: new (config: object) => PostgresClient
}

/** With what the types of `pg` leave out. */
export type PostgresClient = Client & {
  ref?(): void
  unref?(): void
  connectionParameters?: { database?: string }
}

/** @throws StoreError `missing_driver` */
export async function loadPostgres(given: DriverModule | undefined): Promise<PostgresDriver> {
  return (await driverOr(given, 'pg', 'PostgreSQL')) as unknown as PostgresDriver
}

/** A client that is not connected yet. Nobody has to listen for its errors. */
function makeClient({ Client }: PostgresDriver, url: string, config: object): PostgresClient {
  const client = new Client({ connectionString: url, ...config })
  // The driver leaves `%40`, `%2F` and others in the name of the database as they are.
  const database = decodeURIComponent(new URL(url).pathname.slice(1))
  if (database !== '' && client.connectionParameters !== undefined) {
    client.connectionParameters.database = database
    client.database = database
  }
  return client.on('error', ignore)
}

/** A client for notifications, not connected yet. @throws StoreError `missing_driver`. */
export async function makeListeningClient(url: string, given?: DriverModule): Promise<Client> {
  return makeClient(await loadPostgres(given), url, {
    application_name: 'writekey changes',
    keepAlive: true,
    connectionTimeoutMillis: longestConnectMs,
    stream: makeSocket,
  })
}

/** A client that is ready for statements, over a socket that it hands to `over`. */
export async function connectClient(
  driver: PostgresDriver,
  url: string,
  over: (socket: Socket) => Socket,
): Promise<PostgresClient> {
  let socket: Socket | undefined
  const stream = () => {
    socket = over(makeSocket())
    return socket
  }
  const client = makeClient(driver, url, { keepAlive: true, stream })
  // What the server says between two statements is why it ends the connection.
  let ended: Error | undefined
  client.on('error', (error) => {
    ended ??= error
    socket?.destroy()
  })
  await client.connect()
  if (ended !== undefined) throw ended
  return client
}

/** Whether the server accepts connections. One that refuses has answered, too. */
export async function isPostgresAlive(driver: PostgresDriver, url: string): Promise<boolean> {
  const socket = makeSocket()
  const client = makeClient(driver, url, { connectionTimeoutMillis: aliveWithinMs, stream: () => socket })
  const answered = await client.connect().then(
    () => true,
    (error: unknown) => !isConnectTimeout(error),
  )
  client.end().catch(() => {})
  // Nobody waits for its end: where the network swallows that, the connections would add up.
  setImmediate(() => socket.destroy())
  return answered
}

/** A server that accepts connections and says nothing, or a pool without a free one. */
export function isConnectTimeout(error: unknown): boolean {
  return /timeout expired|timeout exceeded|due to connection timeout/.test(
    String((error as Error | null)?.message),
  )
}
