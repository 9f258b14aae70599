import { beforeEach, describe, expect, it, vi } from 'vitest'

// A runtime may lack a module of Node, or throw for whoever asks for one: Next's edge runtime does.
describe('importing', () => {
  beforeEach(() => void vi.resetModules())

  it.each([
    ['writekey', () => import('../../src/index.ts')],
    ['writekey/adapter', () => import('../../src/adapter/index.ts')],
    ['writekey/ingest', () => import('../../src/ingest/index.ts')],
    ['writekey/metrics', () => import('../../src/metrics/index.ts')],
    ['writekey/express', () => import('../../adapters/express.ts')],
    ['writekey/koa', () => import('../../adapters/koa.ts')],
    ['writekey/fastify', () => import('../../adapters/fastify.ts')],
    ['writekey/hono', () => import('../../adapters/hono.ts')],
    ['writekey/fetch', () => import('../../adapters/fetch.ts')],
    ['writekey/node', () => import('../../adapters/node.ts')],
  ])('%s takes no module of Node', async (_, load) => {
    const taken = vi.spyOn(process, 'getBuiltinModule').mockImplementation((name: string) => {
      throw new Error(`${name} was taken`)
    })
    expect(Object.keys(await load())).not.toEqual([])
    expect(taken).not.toHaveBeenCalled()
  })
})
