import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { launchBrowser } from './browser.ts'
import { listen, type PageServer, startPageServer } from './page-server.ts'

interface Delivery {
  /** What `fetch` rejected with: all that a page learns of a CORS error. */
  error?: string
  status?: number
  retryAfter?: string | null
  code?: string
}

describeWithService('chromium', 'a page of another origin', (chromiumPath) => {
  let browser: Browser
  let server: PageServer
  let allowed: Awaited<ReturnType<typeof listen>>
  let stranger: Awaited<ReturnType<typeof listen>>
  let page: Page

  beforeAll(async () => {
    const serveEmptyPage: Parameters<typeof listen>[0] = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>A page</title>')
    }
    allowed = await listen(serveEmptyPage)
    stranger = await listen(serveEmptyPage)
    server = await startPageServer()
    browser = await launchBrowser(chromiumPath)
    page = await browser.newPage()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await Promise.all([server?.close(), allowed?.close(), stranger?.close()])
  })

  /** Sends one event from a page of this origin, as a browser SDK does. */
  async function deliver(origin: string, key: string): Promise<Delivery> {
    await page.goto(origin)
    return page.evaluate(
      async ([url, secret]) => {
        try {
          const response = await fetch(url as string, {
            method: 'POST',
            headers: { authorization: `Basic ${btoa(`${secret}:`)}`, 'content-type': 'application/json' },
            body: JSON.stringify({ event: 'Visited' }),
          })
          const body = (await response.json()) as { code?: string }
          return {
            status: response.status,
            retryAfter: response.headers.get('retry-after'),
            ...(body.code !== undefined && { code: body.code }),
          }
        } catch (error) {
          return { error: (error as Error).message }
        }
      },
      [`${server.origin}/v1/track`, key],
    )
  }

  it('delivers when its origin is allowed, and meets a CORS error when it is not', async () => {
    const { key, writeKey } = await server.keys.create({
      name: 'Web',
      sourceType: 'web',
      allowedOrigins: [allowed.origin],
    })
    expect(await deliver(allowed.origin, key)).toEqual({ status: 200, retryAfter: null })
    expect(await deliver(stranger.origin, key)).toEqual({ error: 'Failed to fetch' })
    expect((await server.keys.usage(writeKey.id)).accepted).toEqual({ track: 1 })
  })

  it('reads when to try again', async () => {
    const { key } = await server.keys.create({
      name: 'Slow',
      sourceType: 'web',
      rateLimitEps: 0.05,
      allowedOrigins: [allowed.origin],
    })
    expect(await deliver(allowed.origin, key)).toMatchObject({ status: 200 })
    const refused = await deliver(allowed.origin, key)
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' })
    expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(1)
  })

  it('reads that its key is not accepted', async () => {
    expect(await deliver(allowed.origin, 'sk_live_nonsense')).toMatchObject({
      status: 401,
      code: 'invalid_write_key',
    })
  })

  it('gets no login box, not even on the same origin', async () => {
    // A login box would hold the request back until somebody answers it.
    expect(await deliver(`${server.origin}/events/write-keys`, 'sk_live_nonsense')).toMatchObject({
      status: 401,
    })
  }, 15_000)
})
