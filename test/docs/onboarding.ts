import { once } from 'node:events'
import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vi } from 'vitest'
import { blockWith, runModule } from './running-blocks.ts'

/** A server as the README has it, run as it stands but for its port. */
export interface FirstServer {
  code: string
  /** What it has printed after its key. */
  printed: unknown[]
  /** What a reader makes of a block: their key and their port are in it. */
  fill(block: string): string
  close(): void
}

export async function startFirstServer(): Promise<FirstServer> {
  const { code } = blockWith('README.md', 'ts', 'createIngestApi')
  const printed: unknown[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(line))
  const servers: Server[] = []
  const { listen } = Server.prototype
  const listening = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
    servers.push(this)
    return listen.apply(this, [0, '127.0.0.1'] as never)
  })
  await runModule(code)
  listening.mockRestore()
  const server = servers[0] as Server
  if (!server.listening) await once(server, 'listening')
  const { key } = printed.shift() as { key: string }
  const { port } = server.address() as AddressInfo
  return {
    code,
    printed,
    fill: (block) => block.replaceAll('sk_live_…', key).replaceAll('localhost:3000', `127.0.0.1:${port}`),
    close() {
      log.mockRestore()
      server.closeAllConnections()
      server.close()
    },
  }
}

export function countLines(code: string): number {
  return code.split('\n').filter((line) => line.trim() !== '').length
}
