import { afterAll, describe, expect, it } from 'vitest'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract as contract,
  type FrameworkRefusals,
  type StartAdapter,
} from '../../src/testing/index.ts'
import { realSenders } from './real-senders.ts'

export type { AdapterConfig, AdapterServer, Handled, StartAdapter } from '../../src/testing/index.ts'

/** The published suite, on Vitest, and installed senders besides. */
export function adapterContract(name: string, start: StartAdapter, refusals: FrameworkRefusals = {}): void {
  contract({ describe, it, expect, afterAll }, name, start, refusals)
  sendersContract(name, start)
}

/** Senders as installed. */
export function sendersContract(name: string, start: StartAdapter): void {
  const running: AdapterServer[] = []

  async function launch(config: Partial<AdapterConfig>): Promise<AdapterServer> {
    const plain = { options: {}, adapter: {}, parsesBody: false, mountedTwice: false, handlerThrows: false }
    const server = await start({ ...plain, ...config })
    running.push(server)
    return server
  }

  describe(`${name}, with senders as installed`, () =>
    realSenders(launch, async () => {
      await Promise.all(running.splice(0).map((server) => server.close()))
    }))
}
