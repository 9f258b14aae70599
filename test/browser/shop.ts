import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { launchBrowser } from './browser.ts'
import { listen } from './page-server.ts'

/** A browser and an empty page with the scripts of SDKs, of an origin of its own; there once the first test runs. */
export function useShop(chromiumPath: string, readScript: (name: string) => Buffer) {
  const at = {} as { browser: Browser; site: Awaited<ReturnType<typeof listen>> }

  beforeAll(async () => {
    at.browser = await launchBrowser(chromiumPath)
    at.site = await listen((request, response) => {
      const [, name] = /^\/([\w.-]+\.js)$/.exec(request.url ?? '') ?? []
      response.writeHead(200, { 'content-type': name === undefined ? 'text/html' : 'text/javascript' })
      response.end(name === undefined ? '<!doctype html><title>A shop</title>' : readScript(name))
    })
  }, 60_000)

  afterAll(async () => {
    await at.browser?.close()
    await at.site?.close()
  })

  return at
}
