import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { launchBrowser } from './browser.ts'
import { type PageServer, startPageServer } from './page-server.ts'

/** A browser and the page on a server, for the tests of one suite; there once the first test runs. */
export function useServedPage(chromiumPath: string, options?: Parameters<typeof startPageServer>[0]) {
  const at = {} as { browser: Browser; server: PageServer }

  beforeAll(async () => {
    at.browser = await launchBrowser(chromiumPath)
    at.server = await startPageServer(options)
  }, 120_000)

  afterAll(async () => {
    await at.browser?.close()
    await at.server?.close()
  })

  return at
}
