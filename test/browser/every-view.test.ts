import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, launchBrowser, openPage, signIn } from './browser.ts'
import { type PageServer, startPageServer } from './page-server.ts'
import { seedKeys } from './seed.ts'

const colours = ['light', 'dark'] as const
const widths = [1280, 390, 1920]

interface View {
  name: string
  open: (page: Page, key: string) => Promise<unknown>
  /** Something that stands there once everything is. */
  shows: string
  /** What the browser itself notes of answers that the view is about. */
  noted?: RegExp
}

const at = (hash: string) => (page: Page) => page.goto(`${page.url().split('#')[0]}#${hash}`)
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const byProblem = async (page: Page) => {
  await at('/debugger')(page)
  await button(page, 'By problem')
}
const dialog = (name: string) => async (page: Page, key: string) => {
  await at(`/keys/${key}`)(page)
  await page.getByRole('heading', { name: 'Web App' }).waitFor()
  await button(page, name)
  await page.getByRole('dialog').waitFor()
}
const onList = (name: string) => async (page: Page) => {
  await at('/')(page)
  await button(page, name)
  await page.getByRole('dialog').waitFor()
}
/** The import, with a file that has lines of every kind. */
const importPreview = async (page: Page) => {
  await onList('Import keys')(page)
  await page.getByLabel('From a file').setInputFiles({
    name: 'keys.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(
      ['name,source_type,key', `Old,mobile,${generateSecret('old_')}`, 'x,tv,short'].join('\n'),
    ),
  })
  await button(page, 'Check')
}
const failing = async (page: Page, path: string, hash: string) => {
  await at('/anomalies')(page)
  await page.route(`**${path}**`, (route) =>
    route.fulfill({ status: 500, json: { detail: 'Out of order.' } }),
  )
  await at(hash)(page)
}

/** Text of charts that is smaller than any other, and lists to choose from that do not show what is chosen. */
function findUnreadable(): string[] {
  const texts = [...document.querySelectorAll('svg.chart text')]
    .filter((text) => text.getBoundingClientRect().height < 8)
    .map((text) => `too small: ${text.textContent}`)
  const selects = [...document.querySelectorAll('select')]
    .filter(({ offsetWidth }) => offsetWidth > 0 && offsetWidth < 90)
    .map(({ ariaLabel }) => `too narrow: ${ariaLabel}`)
  return [...texts, ...selects]
}

const full: View[] = [
  { name: 'the list with its overview', open: at('/?by=source_type'), shows: 'Billing backend' },
  { name: 'the list with its keys compared', open: at('/?by=key'), shows: 'Refused share' },
  { name: 'a list that fits nothing', open: at('/?q=nowhere'), shows: 'No key fits' },
  { name: 'a key', open: (page, key) => at(`/keys/${key}`)(page), shows: 'Edit rules' },
  { name: 'the debugger', open: at('/debugger'), shows: 'Signed Up' },
  { name: 'problems', open: byProblem, shows: 'Allow this origin' },
  { name: 'anomalies', open: at('/anomalies'), shows: 'Server key used from a browser' },
  { name: 'the audit log', open: at('/audit'), shows: 'Billing backend' },
  { name: 'create', open: onList('Create write key'), shows: 'Origins, one per line' },
  { name: 'import', open: onList('Import keys'), shows: 'Import keys' },
  { name: 'the preview of an import', open: importPreview, shows: '1 can be imported, 1 not.' },
  { name: 'edit rules', open: dialog('Edit rules'), shows: 'More rules' },
  { name: 'rotate', open: dialog('Rotate key'), shows: 'Grace period' },
  { name: 'pause', open: dialog('Pause'), shows: 'Pause' },
  { name: 'revoke', open: dialog('Revoke'), shows: 'Revoke' },
  { name: 'delete', open: dialog('Delete'), shows: 'Delete' },
  {
    name: 'a key that is gone',
    open: at('/keys/wk_0000000000000000'),
    shows: 'No key here has this id',
    noted: /404/,
  },
  {
    name: 'a list that fails',
    open: (page) => failing(page, '/write-keys?', '/'),
    shows: 'Out of order.',
    noted: /500/,
  },
  {
    name: 'an audit log that fails',
    open: (page) => failing(page, '/audit-log?', '/audit'),
    shows: 'Out of order.',
    noted: /500/,
  },
]

const empty: View[] = [
  { name: 'a list without keys', open: at('/'), shows: 'No write keys yet' },
  { name: 'a debugger without events', open: at('/debugger'), shows: 'Waiting for events' },
  { name: 'no problems', open: byProblem, shows: 'No problem that fits' },
  { name: 'no anomalies', open: at('/anomalies'), shows: 'Nothing unusual' },
]

describeWithService('chromium', 'every view, in light and dark, 390 to 1920 pixels wide', (chromiumPath) => {
  let browser: Browser
  let server: PageServer
  let other: PageServer
  let keyId: string

  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath)
    server = await startPageServer()
    other = await startPageServer()
    keyId = (await seedKeys(server)).web.writeKey.id
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await other?.close()
  })

  async function look(page: Page, what: string): Promise<void> {
    for (const colorScheme of colours) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 })
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(`${what}, ${width}: ${Math.max(0, tooWide)} too wide`).toBe(`${what}, ${width}: 0 too wide`)
        // A chart is drawn anew for the new width.
        await expect
          .poll(async () => [what, width, ...(await page.evaluate(findUnreadable))])
          .toEqual([what, width])
        await expectAccessible(page, `${what}, ${colorScheme}, ${width}`)
      }
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  async function walk(of: PageServer, views: readonly View[]): Promise<void> {
    const { page, context, complaints } = await openPage(browser)
    await page.goto(of.url)
    await page.getByLabel('Token').waitFor()
    await look(page, 'sign-in')
    await signIn(page, of.url)
    for (const { name, open, shows, noted } of views) {
      await open(page, keyId)
      await page.getByText(shows).filter({ visible: true }).first().waitFor()
      await look(page, name)
      const unexpected = complaints.splice(0).filter((text) => noted === undefined || !noted.test(text))
      expect([name, ...unexpected]).toEqual([name])
      await page.unrouteAll()
      // A dialog that is open keeps its view.
      await page.goto('about:blank')
      await page.goto(of.url)
    }
    await context.close()
  }

  it('has no serious finding of axe, no scrolling sideways and no complaint of the browser', async () => {
    await walk(server, full)
  }, 300_000)

  it('the same where there is nothing to show yet', async () => {
    await walk(other, empty)
  }, 120_000)
})
