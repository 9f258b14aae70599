import type { TestHooks } from '../test-tools.ts'
import type { AdapterConfig, AdapterServer, FrameworkRefusals, StartAdapter } from './adapter-harness.ts'
import { type AdapterSuite, track, trackBody } from './adapter-suite.ts'
import { connectionTests } from './connection-tests.ts'
import { goldenTests } from './golden-tests.ts'
import { handlingTests } from './handling-tests.ts'

/**
 * Tests that every adapter must pass, for your test runner: some 500 raw requests with their complete
 * answers, clients that disconnect or send several requests, and what handlers receive. Needs Node.js 20.19
 * or later. `start` is called many times, also for servers that run at the same time.
 *
 * @param name of the framework.
 * @param refusals what the framework refuses by itself, before the adapter is asked.
 * @example
 * ```ts
 * import { afterAll, describe, expect, it } from 'vitest'
 * import { adapterContract } from 'writekey/testing'
 *
 * adapterContract({ describe, it, expect, afterAll }, 'my framework', startMyServer)
 * ```
 */
export function adapterContract(
  hooks: TestHooks,
  name: string,
  start: StartAdapter,
  refusals: FrameworkRefusals = {},
): void {
  const { describe, it, expect, afterAll } = hooks
  const running: AdapterServer[] = []

  async function launch(config: Partial<AdapterConfig> = {}): Promise<AdapterServer> {
    const server = await start({
      options: {},
      adapter: {},
      parsesBody: false,
      mountedTwice: false,
      handlerThrows: false,
      ...config,
    })
    running.push(server)
    return server
  }

  async function launchWithKey(config: Partial<AdapterConfig> = {}, rateLimitEps: number | null = null) {
    const server = await launch(config)
    const created = await server.keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps })
    return { ...server, key: created.key, keyId: created.writeKey.id }
  }

  async function closeAll(): Promise<void> {
    await Promise.all(running.splice(0).map((server) => server.close()))
  }

  const test: AdapterSuite['test'] = (behaviour, body) => {
    it(behaviour, async () => {
      try {
        await body()
      } finally {
        await closeAll()
      }
    })
  }

  const suite: AdapterSuite = {
    byRouter: {},
    byParser: {},
    folded: {},
    ownsConnection: true,
    continuesLate: false,
    ...refusals,
    test,
    expect,
    launch,
    launchWithKey,
    closeAll,
    track,
    trackBody,
  }
  describe(name, () => {
    const rejections = noteRejections()
    goldenTests(hooks, suite)
    describe('on a connection', () => connectionTests(suite))
    describe('to handlers and hooks', () => handlingTests(suite))
    it('has left no rejection unhandled', () => expect(rejections.seen).toEqual([]))
    afterAll(rejections.stop)
  })
}

function noteRejections() {
  const seen: unknown[] = []
  const note = (reason: unknown) => void seen.push(reason)
  process.on('unhandledRejection', note)
  return { seen, stop: () => void process.off('unhandledRejection', note) }
}
