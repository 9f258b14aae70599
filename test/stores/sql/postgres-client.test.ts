import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { connectClient, type PostgresDriver } from '../../../src/stores/sql/postgres-client.ts'

/** A driver whose connections are made at once, over sockets that lead nowhere. */
class Client extends EventEmitter {
  readonly #config: { stream(): Socket }
  constructor(config: { stream(): Socket }) {
    super()
    this.#config = config
  }
  async connect() {
    this.#config.stream()
  }
}

it('a connection that the server has said goodbye to is over', async () => {
  const driver = { Client } as unknown as PostgresDriver
  let socket = new Socket()
  const client = await connectClient(driver, 'postgres://localhost/app', (made) => {
    socket = made
    return made
  })
  expect(socket.destroyed).toBe(false)
  client.emit('error', new Error('terminating connection due to idle-session timeout'))
  expect(socket.destroyed).toBe(true)
})
