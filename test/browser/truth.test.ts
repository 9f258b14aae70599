import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { expect, it } from 'vitest'
import { adminRoutes } from '../../adapters/express.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { adminToken } from '../admin/admin-calls.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, signIn } from './browser.ts'
import { listen } from './page-server.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'what the page says is so', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

  it.each(['Asia/Kolkata', 'America/St_Johns'])(
    'shows events of today under today in %s, and names the zone',
    async (timezoneId) => {
      const { writeKey, key } = await at.server.keys.create({
        name: `Clock of ${timezoneId}`,
        sourceType: 'other',
      })
      await at.server.send(key, '/v1/track', { event: 'Now' })
      const { page, context } = await openPage(at.browser, { timezoneId })
      await signIn(page, at.server.url)
      await page.goto(`${at.server.url}#/keys/${writeKey.id}`)
      await page.getByRole('button', { name: '30 days' }).click()
      const today = new Intl.DateTimeFormat('en', {
        day: 'numeric',
        month: 'short',
        timeZone: timezoneId,
      }).format()
      await page.getByText('As a table').click()
      await page
        .locator('table.buckets tbody tr')
        .filter({ hasText: today })
        .getByText('1', { exact: true })
        .first()
        .waitFor()
      await page
        .getByText(`Times are of ${timezoneId === 'Asia/Kolkata' ? 'Asia/Calcutta' : timezoneId}`)
        .waitFor()
      await context.close()
    },
    30_000,
  )

  it('no longer calls a key refusing for a pause that is over', async () => {
    const { writeKey, key } = await at.server.keys.create({ name: 'Resumed', sourceType: 'other' })
    await at.server.keys.pause(writeKey.id)
    for (const event of ['a', 'b'])
      expect((await at.server.send(key, '/v1/track', { event })).status).toBe(429)
    await at.server.keys.resume(writeKey.id)
    await expect.poll(async () => (await at.server.send(key, '/v1/track', { event: 'c' })).status).toBe(200)
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.goto(`${at.server.url}#/keys/${writeKey.id}`)
    await page
      .locator('.verdict')
      .getByText(/^Healthy · \d+ requests refused while it was paused · .* 0\.0 % refused in the last hour$/)
      .waitFor()
    await page.getByText('Paused by: operator → nobody').waitFor()
    await context.close()
  }, 30_000)

  it('tells keys of one name apart wherever they are named', async () => {
    const one = await at.server.keys.create({
      name: 'Twin',
      sourceType: 'web',
      workspace: 'acme',
      allowedOrigins: [],
    })
    const other = await at.server.keys.create({ name: 'Twin', sourceType: 'web', environment: 'staging' })
    await at.server.send(one.key, '/v1/track', { event: 'x' }, { origin: 'https://a.example' })
    await at.server.send(other.key, '/v1/track', { event: 'x' })
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    const marks = [
      `production · acme · ${one.writeKey.secrets[0]?.start}`,
      `staging · ${other.writeKey.secrets[0]?.start}`,
    ]
    for (const view of ['Debugger', 'Audit log']) {
      await page.getByRole('link', { name: view }).click()
      for (const mark of marks) await page.locator('.key-label').filter({ hasText: mark }).first().waitFor()
    }
    await expectAccessible(page)
    await context.close()
  }, 30_000)

  it('asks before a secret ends early, and the audit log names it', async () => {
    const { writeKey, key } = await at.server.keys.create({ name: 'Ending', sourceType: 'other' })
    const { writeKey: rotated, key: next } = await at.server.keys.rotate(writeKey.id, {
      gracePeriodHours: 24,
    })
    for (const secret of [key, next, next]) await at.server.send(secret, '/v1/track', { event: 'x' })
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.goto(`${at.server.url}#/keys/${writeKey.id}`)
    const secrets = page.getByRole('region', { name: 'Secrets' }).locator('tbody tr')
    for (const [secret, events] of [
      [rotated.secrets[1], '2'],
      [rotated.secrets[0], '1'],
    ] as const)
      await secrets
        .filter({ hasText: `${secret?.start}` })
        .getByRole('cell', { name: events, exact: true })
        .waitFor()
    await secrets.getByText('Still in use').waitFor()
    await page.getByRole('button', { name: /^End now / }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect((await at.server.keys.get(writeKey.id)).secrets[0]?.expiresAt).toEqual(
      rotated.secrets[0]?.expiresAt,
    )
    await page.getByRole('button', { name: /^End now / }).click()
    await page.getByRole('button', { name: 'End secret' }).click()
    const start = writeKey.secrets[0]?.start as string
    await page
      .locator('.audit li')
      .filter({ hasText: 'ended a secret of' })
      .filter({ hasText: `secret ${start}…` })
      .waitFor()
    await context.close()
  }, 30_000)

  it('does not call a secret used that nobody has used', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Unused', sourceType: 'other' })
    await at.server.keys.rotate(writeKey.id, { gracePeriodHours: 24 })
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.goto(`${at.server.url}#/keys/${writeKey.id}`)
    const secrets = page.getByRole('region', { name: 'Secrets' })
    await secrets.getByText('No use known yet').waitFor()
    expect(await secrets.getByText('Still in use').count()).toBe(0)
    await context.close()
  }, 30_000)

  it('raises no alarm for its own test event', async () => {
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.getByRole('button', { name: 'Create write key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Tried')
    await page.getByLabel('Server', { exact: true }).check()
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('button', { name: 'Send test event' }).click()
    await page.locator('.answer').waitFor()
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByRole('link', { name: 'Debugger' }).click()
    await page
      .locator('.decisions li')
      .filter({ hasText: 'Tried' })
      .getByText('test', { exact: true })
      .waitFor()
    expect(
      at.server.keys.activity.anomalies().filter(({ kind }) => kind === 'server_key_in_browser'),
    ).toEqual([])
    await context.close()
  }, 30_000)

  it('says that the server is away, tries again, and goes on by itself', async () => {
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.route('**/api/**', (route) => route.abort('connectionrefused'))
    await page.getByText('The server does not answer since').waitFor({ timeout: 25_000 })
    expect(await page.getByText('The server did not answer.').count()).toBe(0)
    await page.unroute('**/api/**')
    await page.getByText('The server does not answer since').waitFor({ state: 'detached' })
    await context.close()
  }, 40_000)

  it('stands a server that is stopped and started, and loses nothing of an open form', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writekey-page-'))
    let port = 0
    const start = async () => {
      const keys = createWriteKeys({ store: createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` }) })
      const tokens = [{ name: 'ops', token: adminToken, role: 'admin' as const }]
      const app = express().use(adminRoutes(createAdminApi(keys, { tokens })))
      const served = await listen(app, port)
      port = Number(new URL(served.origin).port)
      return { keys, origin: served.origin, stop: () => served.close().then(() => keys.close()) }
    }
    let running = await start()
    const { writeKey } = await running.keys.create({ name: 'Outlives it', sourceType: 'other' })
    const { page, context } = await openPage(at.browser)
    await signIn(page, `${running.origin}/events/write-keys`)
    await page.getByRole('link', { name: 'Outlives it' }).click()
    await page.getByRole('button', { name: 'Edit rules' }).click()
    await page.getByLabel('Which limit').selectOption('own')
    await page.getByLabel('Rate limit').fill('12')
    await running.stop()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('dialog').getByText('The server did not answer').waitFor()
    running = await start()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('12 events per second').first().waitFor()
    expect((await running.keys.get(writeKey.id)).rateLimitEps).toBe(12)
    await page.getByText('The server does not answer since').waitFor({ state: 'detached' })
    await context.close()
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 30_000)

  it('is read in forced colours, and prints what it shows without its controls', async () => {
    const { writeKey, key } = await at.server.keys.create({ name: 'On paper', sourceType: 'other' })
    await at.server.send(key, '/v1/track', { event: 'x' })
    const { page, context } = await openPage(at.browser, { forcedColors: 'active' })
    await signIn(page, at.server.url)
    for (const hash of ['#/', `#/keys/${writeKey.id}`]) {
      await page.goto(at.server.url + hash)
      await page
        .getByText(/^Updated/)
        .first()
        .waitFor()
      await expectAccessible(page)
    }
    const bar = page.locator('.chart rect.s0').first()
    const colours = await bar.evaluate((element) => [
      getComputedStyle(element).fill,
      getComputedStyle(document.documentElement).backgroundColor,
    ])
    expect(colours[0]).not.toBe(colours[1])
    await page.emulateMedia({ media: 'print', forcedColors: 'none', colorScheme: 'dark' })
    await page.getByRole('heading', { name: 'On paper' }).waitFor()
    expect(await page.locator('button:visible, select:visible, nav:visible').count()).toBe(0)
    // Paper is white, whatever the screen is.
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      'rgb(255, 255, 255)',
    )
    await context.close()
  }, 30_000)

  it('shows what others do to the list, and how old it is', async () => {
    const { page, context } = await openPage(at.browser)
    await page.clock.install()
    await signIn(page, at.server.url)
    await page
      .getByText(/^Updated/)
      .first()
      .waitFor()
    await at.server.keys.create({ name: 'Made by a colleague', sourceType: 'other' })
    await page.clock.fastForward(20_000)
    await page.getByRole('link', { name: 'Made by a colleague' }).waitFor()
    await context.close()
  }, 30_000)
})
