import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import express from 'express'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ingestRoutes } from '../../adapters/express.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { describeWithService } from '../services.ts'
import { launchBrowser } from './browser.ts'
import { listen } from './page-server.ts'

const { resolve } = createRequire(import.meta.url)
const sdk = readFileSync(join(resolve('posthog-js/package.json'), '../dist/module.js'))

const shop = `<!doctype html><title>A shop</title>
<script type="module">import posthog from '/posthog.js'; window.posthog = posthog</script>`

describeWithService('chromium', 'posthog-js in a page of another origin', (chromiumPath) => {
  let browser: Browser
  let site: Awaited<ReturnType<typeof listen>>
  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath)
    site = await listen((request, response) => {
      const isScript = request.url === '/posthog.js'
      response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
      response.end(isScript ? sdk : shop)
    })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  it('delivers each event once, the last by a beacon as the page is left', async () => {
    const keys = createWriteKeys()
    const { key, writeKey } = await keys.create({
      name: 'Shop',
      sourceType: 'web',
      rateLimitEps: 1_000,
      allowedOrigins: [site.origin],
    })
    const arrived: IngestEvent[] = []
    const sent: string[] = []
    const others: string[] = []
    const api = createIngestApi<IngestEvent>(keys, {
      senders: ['posthog'],
      onEvents: (events) => void arrived.push(...events),
    })
    const app = express()
    app.use((req, res, next) => {
      res.on('finish', () => {
        if (req.method !== 'POST' && req.method !== 'OPTIONS') others.push(req.url.replace(key, 'KEY'))
        if (req.method === 'POST')
          sent.push(`${res.statusCode} ${req.url.replace(/\?.*/, '')} ${req.get('content-type')}`)
      })
      next()
    })
    app.use(ingestRoutes(api))
    const server = await listen(app)
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(site.origin)
    await page.waitForFunction(() => 'posthog' in window)
    await page.evaluate(
      async ([token, host]) => {
        // biome-ignore lint/suspicious/noExplicitAny: the page has put it on its window
        const { posthog } = window as any
        posthog.init(token, {
          api_host: host,
          autocapture: false,
          capture_pageview: true,
          capture_pageleave: true,
          disable_session_recording: true,
          advanced_disable_flags: true,
          // A browser that is driven counts as a robot.
          opt_out_useragent_filter: true,
        })
        for (let n = 0; n < 5; n++) posthog.capture('Product Viewed', { n })
      },
      [key, server.origin],
    )
    const viewed = () => arrived.filter(({ event }) => event === 'Product Viewed')
    await expect.poll(() => viewed().length, { timeout: 15_000 }).toBe(5)
    await page.goto('about:blank')
    await expect
      .poll(() => arrived.some(({ event }) => event === '$pageleave'), { timeout: 10_000 })
      .toBe(true)
    const numbers = (viewed() as unknown as { properties: { n: number } }[]).map(
      ({ properties }) => properties.n,
    )
    expect(numbers.toSorted()).toEqual([0, 1, 2, 3, 4])
    expect(arrived.filter(({ type }) => type === 'page').map(({ name }) => name)).toEqual(['$pageview'])
    expect(JSON.stringify(arrived)).not.toContain(key)
    expect(sent.filter((one) => !one.startsWith('200 /'))).toEqual([])
    // With `advanced_disable_flags` it asks for nothing else.
    expect([others, errors]).toEqual([[], []])
    expect((await keys.usage(writeKey.id)).accepted).toEqual({ track: 6, page: 1 })
    await page.close()
    await server.close()
    await keys.close()
  })
})
