import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { defaultSenders, senders } from '../../src/ingest/senders.ts'
import { describeWithService } from '../services.ts'
import { root } from './code-blocks.ts'
import { countLines, startFirstServer } from './onboarding.ts'
import { blockWith, runModule } from './running-blocks.ts'

async function run(sender: string, expected: object, rename: (code: string) => string = (code) => code) {
  const { code } = blockWith('README.md', 'ts', `from '${sender}'`)
  const server = await startFirstServer()
  onTestFinished(server.close)
  expect(countLines(server.code) + countLines(code)).toBeLessThanOrEqual(12)
  await runModule(rename(server.fill(code)))
  await vi.waitFor(() => expect(server.printed).toHaveLength(1), { timeout: 10_000 })
  expect(server.printed[0]).toMatchObject([expected])
}

const paid = { type: 'track', event: 'Order Paid', userId: '42', properties: { total: 12.5 } }

it.each(['@segment/analytics-node', '@rudderstack/rudder-sdk-node', '@customerio/cdp-analytics-node'])(
  'README.md leads from an empty folder to the first event of %s in 12 lines',
  async (name) => {
    await run(name, paid)
  },
)

describeWithService('inngest', 'README.md', (folder) => {
  it('leads from an empty folder to the first event of inngest in 12 lines', async () => {
    const entry = pathToFileURL(createRequire(join(folder, 'index.js')).resolve('inngest'))
    await run('inngest', { name: 'shop/order.paid', data: { total: 12.5 } }, (code) =>
      code.replace("'inngest'", `'${entry}'`),
    )
  })
})

it('README.md names the versions that the table of senders names', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  for (const name of defaultSenders) {
    for (const one of senders[name].packages) {
      const [, title, version] = /^(\S+) (\d+\.\d+)/.exec(one) ?? []
      expect(readme).toMatch(new RegExp(`\`${title}\`[^\`]* ${version?.replace('.', '\\.')}\\b`))
    }
  }
})
