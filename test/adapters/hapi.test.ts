import { expect, it, onTestFinished } from 'vitest'
import { type StartAdapter, sendersContract } from '../contract/adapter-contract.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'

const page = 'docs/adapters.md'

/** The worked example and its test, as they stand in the document. */
const { start } = (await runModule(
  blockWith(page, 'ts', '// hapi-write-key.test.ts').code,
  blockWith(page, 'ts', '// hapi-write-key.ts'),
)) as { start: StartAdapter }

sendersContract('Hapi, by the worked example', start)

it('takes bodies as large as keys allow', async () => {
  const plain = { adapter: {}, parsesBody: false, mountedTwice: false, handlerThrows: false }
  const server = await start({ ...plain, options: {} })
  onTestFinished(() => server.close())
  const { key } = await server.keys.create({ name: 'Web', sourceType: 'web' })
  const body = JSON.stringify({ event: 'x'.repeat(3_999_988) })
  expect(body.length).toBe(4_000_000)
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
})
