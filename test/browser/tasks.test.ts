import { readFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'what people come to the page for', (chromiumPath) => {
  const at = useServedPage(chromiumPath, { activity: { keepPayloads: true, keepHeaders: true } })

  it.each([
    { colorScheme: 'light', viewport: { width: 1920, height: 1000 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const)(
    'finds why a sender is refused and allows its origin in at most 6 clicks, $viewport.width wide',
    async (look) => {
      const origin = `https://shop-${look.viewport.width}.example`
      const { key, writeKey } = await at.server.keys.create({
        name: `Shop ${look.viewport.width}`,
        sourceType: 'web',
        allowedOrigins: ['https://app.example.com'],
      })
      for (let count = 0; count < 3; count++)
        await at.server.send(key, '/v1/track', { event: 'Paid' }, { origin })
      const { page, context, complaints } = await openPage(at.browser, look)
      await signIn(page, at.server.url)
      const watch = await stopwatch(page)
      await page.getByRole('link', { name: 'Debugger' }).click()
      await page.getByRole('button', { name: 'By problem' }).click()
      const problem = page.locator('.problems li').filter({ hasText: origin })
      await problem.getByText('3', { exact: true }).waitFor()
      await expectAccessible(page)
      await problem.getByRole('button', { name: 'Allow this origin' }).click()
      await page.getByRole('dialog').getByText('a site that copied the key would be let in too').waitFor()
      await expectAccessible(page)
      await page.getByRole('dialog').getByRole('button', { name: 'Allow this origin' }).click()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await watch.stop('allow the origin of a refused sender')
      for (const hash of ['#/', `#/keys/${writeKey.id}`, '#/debugger', '#/anomalies', '#/audit']) {
        await page.goto(at.server.url + hash)
        await page
          .getByText(/^Updated|^Live/)
          .first()
          .waitFor()
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(`${hash} ${tooWide}`).toBe(`${hash} 0`)
        await expectAccessible(page)
      }
      expect((await at.server.keys.get(writeKey.id)).allowedOrigins).toEqual([
        'https://app.example.com',
        origin,
      ])
      expect((await at.server.send(key, '/v1/track', { event: 'Paid' }, { origin })).status).toBe(200)
      expect(complaints).toEqual([])
      await context.close()
    },
    40_000,
  )

  it('creates a key and sends with it in at most 6 clicks', async () => {
    const { page, context, complaints } = await openPage(at.browser)
    await signIn(page, at.server.url)
    const watch = await stopwatch(page)
    await page.getByRole('button', { name: 'Create write key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('First steps')
    await page.getByLabel('Origins, one per line').fill(at.server.origin)
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('button', { name: 'Send test event' }).click()
    await page.locator('.answer').filter({ hasText: '200' }).waitFor()
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await watch.stop('create a key and send with it')
    await page.getByRole('link', { name: 'First steps' }).click()
    await page.getByText('1 event', { exact: true }).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('opens a line to its details, which have an address of their own', async () => {
    const { key } = await at.server.keys.create({ name: 'Looked into', sourceType: 'server' })
    await at.server.send(key, '/v1/track', { event: "It's", userId: 'u1' }, { 'user-agent': 'node/test' })
    const { page, context, complaints } = await openPage(at.browser)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await signIn(page, at.server.url)
    await page.getByRole('link', { name: 'Debugger' }).click()
    await page.getByLabel('Any text').fill('NODE/test')
    await page.getByLabel('Event name').fill("It's")
    await page.waitForURL(/q=NODE%2Ftest&name=/)
    const line = page.locator('.decisions li').filter({ hasText: 'Looked into' })
    await line.getByRole('button', { name: 'Details' }).click()
    await line.getByText('POST /v1/track').waitFor()
    await line.getByText('"userId": "u1"').waitFor()
    await line.getByRole('button', { name: 'Raw' }).click()
    await line.getByText('"userId":"u1"').waitFor()
    await expectAccessible(page)
    await line.getByRole('button', { name: 'Copy as curl' }).click()
    const curl = await page.evaluate(() => navigator.clipboard.readText())
    expect(curl).toContain(`curl -X 'POST' '${at.server.origin}/v1/track'`)
    expect(curl).toContain(`"event":"It'\\''s"`)
    expect(curl).not.toContain(key)
    await line.getByRole('button', { name: 'Copy link' }).click()
    await page.goto(await page.evaluate(() => navigator.clipboard.readText()))
    await page.getByText('POST /v1/track').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('finds the key of a pasted secret, which never gets into an address', async () => {
    const { key } = await at.server.keys.create({ name: 'Leaked one', sourceType: 'server' })
    const { page, context } = await openPage(at.browser)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await signIn(page, at.server.url)
    await page.locator('td.name').first().waitFor()
    const watch = await stopwatch(page)
    await page.keyboard.press('/')
    await page.keyboard.insertText(key)
    await page.getByRole('heading', { name: 'Leaked one' }).waitFor()
    await watch.stop('find the key of a pasted secret')
    await page.getByRole('button', { name: 'Rotate key' }).click()
    await page.getByLabel('Grace period').selectOption('0')
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate key' }).click()
    await page.locator('#secret').waitFor()
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await watch.stop('rotate a leaked key')
    expect((await at.server.send(key, '/v1/track', {})).status).toBe(401)
    expect([...asked, page.url()].filter((url) => url.includes(key.slice(8)))).toEqual([])
    await page.goto(`${at.server.url}#/`)
    await page.locator('td.name').first().waitFor()
    await page.getByRole('searchbox').fill(generateSecret('sk_live_'))
    await page.getByRole('alert').filter({ hasText: 'No key here has the secret' }).waitFor()
    await context.close()
  }, 30_000)

  it('finds a secret within what was pasted or typed, and searches long names', async () => {
    const { key } = await at.server.keys.create({ name: 'Within', sourceType: 'server' })
    const longName = 'checkout-web-production-eu-central-1-green'
    await at.server.keys.create({ name: longName, sourceType: 'server' })
    const { page, context } = await openPage(at.browser)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('framenavigated', (frame) => asked.push(frame.url()))
    await signIn(page, at.server.url)
    const search = page.getByRole('searchbox')
    const paste = async (text: string) => {
      await page.evaluate((pasted) => {
        const field = document.querySelector<HTMLInputElement>('.filters input[type=search]')
        if (field === null) throw new Error('There is no search.')
        field.value = pasted
        field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }))
      }, text)
    }
    for (const text of [
      `curl -u '${key}:' http://x`,
      `Authorization: Basic ${btoa(`${key}:`)}`,
      `KEY=${key}`,
    ]) {
      await search.waitFor()
      await paste(text)
      await page.getByRole('heading', { name: 'Within' }).waitFor()
      await page.goto(`${at.server.url}#/`)
    }
    // Typed with a pause that is long enough for a search.
    await search.fill(key.slice(0, 32))
    await expect.poll(() => page.url()).toContain(`?q=${key.slice(0, 12)}`)
    await page.getByRole('link', { name: 'Within' }).waitFor()
    expect(await search.inputValue()).toBe(key.slice(0, 32))
    await search.fill(key)
    await page.getByRole('heading', { name: 'Within' }).waitFor()
    await page.goto(`${at.server.url}#/debugger`)
    await page.getByRole('searchbox', { name: 'Any text' }).fill(`Bearer ${key}`)
    await expect.poll(() => page.url()).toContain('q=Bearer')
    const secret = [key.slice(0, 13), btoa(key).slice(8, 24)]
    expect(asked.filter((url) => secret.some((part) => url.includes(part)))).toEqual([])

    await page.goto(`${at.server.url}#/`)
    await search.fill(longName)
    await page.getByText('1 key', { exact: true }).waitFor()
    await page.getByRole('link', { name: longName }).waitFor()
    await search.fill('')
    await paste(longName)
    await page.getByText('No key here has this as its secret.').waitFor()
    await page.getByRole('button', { name: 'Search for it in names' }).click()
    await page.getByText('1 key', { exact: true }).waitFor()
    expect(new URL(page.url()).hash).toContain(longName)
    await context.close()
  }, 30_000)

  it('chooses keys by keyboard, pauses them together, and exports what fits', async () => {
    const made = []
    for (const name of ['=Bulk 1', 'Bulk 2'])
      made.push(await at.server.keys.create({ name, sourceType: 'other', environment: 'bulk' }))
    const { page, context, complaints } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.getByRole('searchbox').fill('bulk')
    await page.getByText('2 keys').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('=Bulk 1')
    await page.getByLabel('Choose all on this page').check()
    await page.getByText('2 keys chosen').waitFor()
    const csv = await download(page, () => page.getByRole('button', { name: 'CSV', exact: true }).click())
    expect(csv).toMatch(/\r\nwk_\w+,'=Bulk 1,other,bulk,/)
    await page.getByRole('button', { name: 'Pause' }).click()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Pause keys' }).click()
    await page.getByText('2 keys paused.').waitFor({ timeout: 15_000 })
    for (const { writeKey } of made) expect((await at.server.keys.get(writeKey.id)).status).toBe('paused')
    const json = await download(page, () => page.getByRole('button', { name: 'Export JSON' }).click())
    expect(JSON.parse(json).map(({ status }: { status: string }) => status)).toEqual(['paused', 'paused'])
    expect(complaints).toEqual([])
    await context.close()
  }, 40_000)

  it('signs in by the link of the terminal, once, and shows the demo', async () => {
    let out = ''
    const terminal: Terminal = {
      stdin: Readable.from([]),
      stdout: new Writable({
        write(chunk, _, done) {
          out += chunk
          done()
        },
      }),
      stderr: new Writable({ write: (_, __, done) => done() }),
      env: { PORT: '0', WRITEKEY_ADMIN_TOKEN: 'a'.repeat(40) },
    }
    let stop = async () => {}
    await runCommandLine(['serve', '--demo'], terminal, (running) => {
      stop = () => running.stop()
    })
    const link = /http\S+#code=\S+/.exec(out)?.[0] as string
    const { page, context, complaints } = await openPage(at.browser)
    await page.goto(link)
    await page.getByText('terminal · admin').waitFor()
    expect(page.url()).not.toContain('code')
    await page.getByText('Needs attention').waitFor()
    await page.getByText('Success rate').waitFor()
    const watch = await stopwatch(page)
    await page.getByRole('button', { name: 'By workspace' }).click()
    await page.locator('.groups-table').filter({ hasText: 'acme' }).waitFor()
    await watch.stop('see which workspace errs most')
    await page.getByRole('button', { name: 'By key' }).click()
    await page.locator('.groups-table').getByRole('link', { name: 'Web App' }).first().waitFor()
    expect(page.url()).toContain('by=key')
    await expectAccessible(page)
    await page.reload()
    await page.getByText('terminal · admin').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    expect(complaints).toEqual([])
    await page.goto('about:blank')
    await page.goto(link)
    await page.getByText('The link has been used').waitFor()
    await context.close()
    await stop()
  }, 40_000)
})

/** Counts clicks and time from now on; each task may take six clicks. */
async function stopwatch(page: Page) {
  const start = performance.now()
  await page.evaluate(() => {
    const counter = window as unknown as { clicks: number }
    counter.clicks = 0
    addEventListener('click', () => counter.clicks++, true)
  })
  return {
    async stop(task: string) {
      const clicks = await page.evaluate(() => (window as unknown as { clicks: number }).clicks)
      console.log(`${task}: ${clicks} clicks, ${Math.round(performance.now() - start)} ms`)
      expect(clicks).toBeLessThanOrEqual(6)
    },
  }
}

async function download(page: Page, click: () => Promise<unknown>): Promise<string> {
  const started = page.waitForEvent('download')
  await click()
  return readFileSync(await (await started).path(), 'utf8')
}
