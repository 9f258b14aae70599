import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, inject, it } from 'vitest'
import { launchBrowser, openPage, signIn } from './browser.ts'
import { startPageServer } from './page-server.ts'
import { seedKeys } from './seed.ts'

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const maxBytes = 200_000

async function shoot(page: Page, name: string): Promise<void> {
  const png = await page.screenshot()
  expect(png.length).toBeLessThan(maxBytes)
  writeFileSync(`${folder}dashboard-${name}.png`, png)
}

// Run by `npm run docs:screenshots`: the pictures of docs/dashboard.md, from the running page.
it('takes the screenshots of the documentation', async () => {
  mkdirSync(folder, { recursive: true })
  const server = await startPageServer()
  const browser = await launchBrowser(inject('services').chromium.address)
  try {
    await seedKeys(server)
    const { page } = await openPage(browser, { colorScheme: 'light', viewport: { width: 1200, height: 640 } })
    await signIn(page, server.url)
    await page.getByText('Billing backend').waitFor()
    await page.mouse.move(0, 639)
    await shoot(page, 'list')

    await page.getByRole('button', { name: 'Create write key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Docs site')
    await page.getByLabel('Origins, one per line').fill(server.origin)
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('button', { name: 'Send test event' }).click()
    await page.locator('.answer').waitFor()
    await page.locator('.answer').scrollIntoViewIfNeeded()
    await shoot(page, 'secret')
    await page.getByRole('button', { name: 'I have copied it' }).click()

    await page.setViewportSize({ width: 1200, height: 820 })
    await page.getByRole('link', { name: 'Web App' }).click()
    await page.getByRole('heading', { name: 'refusals' }).waitFor()
    await page.getByText('Signed Up').first().waitFor()
    await page.getByText('refused in the last hour').waitFor()
    await shoot(page, 'key')

    await page.setViewportSize({ width: 1200, height: 640 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.getByRole('link', { name: 'Debugger' }).first().click()
    await page.getByText('12 times').waitFor()
    await shoot(page, 'debugger')

    await page.emulateMedia({ colorScheme: 'light' })
    await page.getByRole('button', { name: 'By problem' }).click()
    await page.getByRole('button', { name: 'Allow this origin' }).first().waitFor()
    await shoot(page, 'problems')

    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1200, height: 420 })
    await page.getByRole('link', { name: 'Anomalies' }).click()
    await page.getByText('Server key used from a browser').waitFor()
    await shoot(page, 'anomalies')
  } finally {
    await browser.close()
    await server.close()
  }
}, 120_000)
