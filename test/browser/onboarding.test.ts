import { expect, it, onTestFinished, vi } from 'vitest'
import { countLines, startFirstServer } from '../docs/onboarding.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { describeWithService } from '../services.ts'
import { launchBrowser } from './browser.ts'
import { listen } from './page-server.ts'

describeWithService('chromium', 'README.md', (chromiumPath) => {
  it('leads from an empty folder to the first event of a page in 12 lines', async () => {
    const { code } = blockWith('README.md', 'html', '<script>')
    const server = await startFirstServer()
    onTestFinished(server.close)
    expect(countLines(server.code) + countLines(code)).toBeLessThanOrEqual(12)
    const site = await listen((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${server.fill(code)}`),
    )
    onTestFinished(() => void site.close())
    const browser = await launchBrowser(chromiumPath)
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    await page.goto(site.origin)
    await vi.waitFor(() => expect(server.printed).toHaveLength(1), { timeout: 10_000 })
    expect(server.printed).toEqual([[{ type: 'track', event: 'Page Opened', anonymousId: '42' }]])
    expect(complaints).toEqual([])
  })
})
