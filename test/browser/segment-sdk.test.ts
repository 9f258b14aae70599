import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import cors from 'cors'
import express from 'express'
import { expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { describeWithService } from '../services.ts'
import { listen } from './page-server.ts'
import { useShop } from './shop.ts'

const { resolve } = createRequire(import.meta.url)
/** The build for script tags, and the parts that it loads. */
const sdk = join(resolve('@segment/analytics-next/package.json'), '../dist/umd')

describeWithService('chromium', '@segment/analytics-next in a page of another origin', (chromiumPath) => {
  const at = useShop(chromiumPath, (name) => readFileSync(join(sdk, name)))

  /** Whether the key lists the page's origin. */
  it.each([true, false])(
    'delivers each event once, with credentials, behind the cors of the app (origins %s)',
    async (listed) => {
      const keys = createWriteKeys()
      const { key, writeKey } = await keys.create({
        name: 'Shop',
        sourceType: 'web',
        rateLimitEps: 1_000,
        ...(listed && { allowedOrigins: [at.site.origin] }),
      })
      const arrived: IngestEvent[] = []
      const headers: (string | undefined)[] = []
      const app = express()
      app.use(cors({ origin: at.site.origin, credentials: true, exposedHeaders: 'X-Request-Id' }))
      app.use('/v1', writeKeyAuth(keys))
      app.use(express.json())
      app.post('/v1/:type', (req, res) => {
        arrived.push(...writeKeyOf(req).events)
        headers.push(req.headers.cookie)
        res.cookie('seen', '1').json({ success: true })
      })
      const server = await listen(app)
      const page = await at.browser.newPage()
      const failures: string[] = []
      page.on('requestfailed', (request) => {
        if (request.url().startsWith(server.origin)) failures.push(request.url())
      })
      await page.goto(at.site.origin)
      // Every request of the SDK carries credentials, as a page that wraps fetch has it.
      await page.evaluate(() => {
        const { fetch } = window
        window.fetch = (input, init) => fetch(input, { ...init, credentials: 'include' })
      })
      await page.addScriptTag({ url: `${at.site.origin}/index.js` })
      await page.evaluate(
        async ([writeKey, host]) => {
          // biome-ignore lint/suspicious/noExplicitAny: the SDK puts itself on the window
          const { AnalyticsNext } = window as any
          const analytics = new AnalyticsNext.AnalyticsBrowser()
          analytics.load({
            writeKey,
            cdnSettings: {
              integrations: { 'Segment.io': { apiKey: writeKey, apiHost: host, protocol: 'http' } },
            },
          })
          for (let n = 0; n < 5; n++) await analytics.track('Product Viewed', { n })
        },
        [key, `${server.origin.replace('http://', '')}/v1`],
      )
      await expect.poll(() => arrived.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(5)
      await page.waitForTimeout(1_500)
      const numbers = (arrived as unknown as { properties: { n: number } }[]).map(
        ({ properties }) => properties.n,
      )
      expect(numbers.toSorted()).toEqual([0, 1, 2, 3, 4])
      expect(failures).toEqual([])
      // The cookie came back: the browser let credentials through.
      expect(headers.at(-1)).toContain('seen=1')
      expect((await keys.usage(writeKey.id)).accepted).toEqual({ track: 5 })
      await page.close()
      await server.close()
      await keys.close()
    },
  )
})
