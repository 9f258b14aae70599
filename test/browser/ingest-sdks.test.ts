import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import cors from 'cors'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startExpress } from '../senders/sdk-targets.ts'
import { describeWithService } from '../services.ts'
import { useShop } from './shop.ts'

const { resolve } = createRequire(import.meta.url)
/** Builds for script tags, and the parts that they load. */
const segment = join(resolve('@segment/analytics-next/package.json'), '../dist/umd')
const rudder = join(resolve('@rudderstack/analytics-js/bundled'), '../../umd/index.js')

const names = Array.from({ length: 9 }, (_, n) => `Event ${n}`)

/** The SDKs put themselves on the window. */
// biome-ignore lint/suspicious/noExplicitAny: neither build has types of its own
type SdkWindow = any

describeWithService(
  'chromium',
  'SDKs in a page of another origin, sending to ingestRoutes',
  (chromiumPath) => {
    const at = useShop(chromiumPath, (name) =>
      readFileSync(name === 'rudder.js' ? rudder : join(segment, name)),
    )

    async function open(script: string, options: Parameters<typeof startExpress>[0] = {}) {
      const target = await startExpress(options)
      onTestFinished(target.close)
      const page = await at.browser.newPage()
      await page.goto(at.site.origin)
      await page.addScriptTag({ url: `${at.site.origin}/${script}` })
      return { target, page, host: target.url.replace('http://', '') }
    }

    async function loadSegment(page: Page, writeKey: string, host: string, settings: object) {
      await page.evaluate(
        ([key, apiHost, more]) => {
          const analytics = new (window as SdkWindow).AnalyticsNext.AnalyticsBrowser()
          analytics.load({
            writeKey: key,
            cdnSettings: {
              integrations: {
                'Segment.io': { apiKey: key, apiHost: `${apiHost}/v1`, protocol: 'http', ...more },
              },
            },
          })
          ;(window as SdkWindow).analytics = analytics
        },
        [writeKey, host, settings] as const,
      )
    }

    const track = (page: Page, some: string[]) =>
      page.evaluate((list) => {
        for (const name of list) (window as SdkWindow).analytics.track(name)
      }, some)

    /** Sends the events, and sees each arrive once and in order although some requests are refused. */
    async function expectEachOnce(target: Awaited<ReturnType<typeof startExpress>>, page: Page) {
      await track(page, names)
      await allArrived(target)
      await page.waitForTimeout(500)
      expect(target.arrived.flat().toSorted()).toEqual(names)
      for (const batch of target.arrived) expect(batch).toEqual(batch.toSorted())
      expect(target.statuses).toEqual(expect.arrayContaining([429, 503]))
      await page.close()
    }

    const allArrived = (target: { arrived: string[][] }) =>
      vi.waitFor(() => expect(target.arrived.flat().length).toBeGreaterThanOrEqual(9), { timeout: 30_000 })

    it.each([
      ['one by one', {}],
      ['in batches', { deliveryStrategy: { strategy: 'batching', config: { size: 3, timeout: 200 } } }],
    ])(
      '@segment/analytics-next delivers %s every event once, with a 429 and a 503 in between',
      async (_, settings) => {
        const { target, page, host } = await open('index.js')
        await loadSegment(page, target.key, host, settings)
        await expectEachOnce(target, page)
      },
    )

    it('@segment/analytics-next delivers with credentials, behind the cors of the app', async () => {
      const front = cors({ origin: at.site.origin, credentials: true })
      const { target, page, host } = await open('index.js', { front, refuses: false })
      await page.evaluate(() => {
        const { fetch } = window
        window.fetch = (input, init) => fetch(input, { ...init, credentials: 'include' })
      })
      await loadSegment(page, target.key, host, {})
      await track(page, names)
      await allArrived(target)
      expect(target.arrived.flat().toSorted()).toEqual(names)
      await page.close()
    })

    it('@segment/analytics-next delivers what is left when the page is closed', async () => {
      const { target, page, host } = await open('index.js', { refuses: false })
      await loadSegment(page, target.key, host, {
        deliveryStrategy: { strategy: 'batching', config: { size: 100, timeout: 60_000 } },
      })
      await track(page, names)
      await page.evaluate(() => (window as SdkWindow).analytics.ready())
      await page.goto('about:blank')
      await allArrived(target)
      expect(target.arrived.flat()).toEqual(names)
      await page.close()
    })

    /** Settings that are handed in, as nothing can be fetched. */
    async function loadRudder(page: Page, writeKey: string, url: string, options: object) {
      await page.evaluate(
        ([key, dataPlaneUrl, more]) => {
          const analytics = new (window as SdkWindow).rudderanalytics.RudderAnalytics()
          analytics.load(key, dataPlaneUrl, {
            logLevel: 'ERROR',
            sendAdblockPage: false,
            sessions: { autoTrack: false },
            getSourceConfig: () => ({
              updatedAt: '2026-11-20T08:15:30.123Z',
              source: {
                id: 'source',
                name: 'A shop',
                writeKey: key,
                enabled: true,
                workspaceId: 'workspace',
                updatedAt: '2026-11-20T08:15:30.123Z',
                config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
                destinations: [],
              },
            }),
            ...more,
          })
          ;(window as SdkWindow).analytics = analytics
        },
        [writeKey, url, options] as const,
      )
    }

    it.each([
      ['one by one', {}],
      ['in batches', { queueOptions: { batch: { enabled: true, maxItems: 3, flushInterval: 200 } } }],
    ])(
      '@rudderstack/analytics-js delivers %s every event once, with a 429 and a 503 in between',
      async (_, options) => {
        const { target, page } = await open('rudder.js')
        await loadRudder(page, target.key, target.url, options)
        await expectEachOnce(target, page)
      },
    )

    it('@rudderstack/analytics-js delivers batches of its default size: 40 events of 28 KB, 520 KB each', async () => {
      const { target, page } = await open('rudder.js', { refuses: false })
      await loadRudder(page, target.key, target.url, {
        queueOptions: { batch: { enabled: true, flushInterval: 1_000 } },
      })
      await page.evaluate(() => {
        const text = 'x'.repeat(28_000)
        for (let n = 10; n < 50; n++) (window as SdkWindow).analytics.track(`Event ${n}`, { text })
      })
      await vi.waitFor(() => expect(target.arrived.flat().length).toBeGreaterThanOrEqual(40), {
        timeout: 30_000,
      })
      expect(target.arrived.flat()).toEqual(Array.from({ length: 40 }, (_, n) => `Event ${n + 10}`))
      expect(Math.max(...target.arrived.map(({ length }) => length))).toBeGreaterThan(15)
      await page.close()
    })

    it('@rudderstack/analytics-js delivers by beacon', async () => {
      const { target, page } = await open('rudder.js', { refuses: false })
      await loadRudder(page, target.key, target.url, { useBeacon: true, beaconQueueOptions: { maxItems: 3 } })
      await track(page, names)
      await allArrived(target)
      expect(target.arrived.flat().toSorted()).toEqual(names)
      await page.close()
    })
  },
)
