import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, screens, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'a person at the page', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

  it.each(screens)(
    'creates, tries, renames, edits, rotates, revokes and deletes a key %s',
    async (_, options) => {
      const { page, context, complaints } = await openPage(at.browser, options)
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.goto(at.server.url)
      await page.getByLabel('Token').waitFor()
      await expectAccessible(page)
      await signIn(page, at.server.url)

      const secret = await createKey(page, at.server.origin)
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await page.getByRole('button', { name: 'Copied', exact: true }).waitFor()
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret)
      for (const example of ['Middleware', 'Browser', 'curl']) {
        await page.getByRole('button', { name: example, exact: true }).click()
      }
      await expectText(page, '.snippets pre', `-u '${secret}:'`)
      await page.getByRole('button', { name: 'Send test event' }).click()
      await expectText(page, '.answer', '200 The event was accepted.')
      await page.getByRole('button', { name: 'I have copied it' }).click()

      await page.getByRole('row').filter({ hasText: 'Docs site' }).getByText('just now').waitFor()
      await expectAccessible(page)
      await page.getByRole('link', { name: 'Docs site' }).click()
      await page.getByText('1 event', { exact: true }).waitFor()
      await page.getByText('Test Event').waitFor()
      await page.getByRole('button', { name: '30 days' }).click()
      await page.getByRole('img', { name: '1 event accepted in 30 days' }).waitFor()
      await expectAccessible(page)

      await page.getByRole('button', { name: 'Rename' }).click()
      await page.getByLabel('Name').fill('Docs and blog')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Docs and blog' }).waitFor()

      await page.getByRole('button', { name: 'Edit rules' }).click()
      await page.getByLabel('Rate limit').fill('120')
      await page.getByLabel('All', { exact: true }).check()
      await page.getByText('More rules').click()
      await page.getByLabel('Denied event names', { exact: true }).selectOption('list')
      await page.getByLabel('Denied event names, one per line').fill('debug/*')
      await page.getByLabel('Allowed addresses', { exact: true }).selectOption('list')
      await page.getByLabel('Allowed addresses, one per line').fill('not an address')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('button', { name: 'Save changes' }).click()
      await page.getByRole('alert').filter({ hasText: 'Allowed addresses' }).waitFor()
      // The browser itself notes every refused request.
      expect(complaints.splice(0)).toEqual([expect.stringContaining('422')])
      expect(await focused(page)).toContain('Allowed addresses, one per line')
      await page.getByLabel('Allowed addresses, one per line').fill('127.0.0.0/8')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await expectText(page, '.diff', '500 events per second')
      await expectText(page, '.diff', 'This lets in more')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Save changes' }).click()
      await expectText(page, '.rules', '120 events per second')
      await expectText(page, '.rules', 'debug/*')
      await expectText(page, '.audit', 'Rate limit: 500 events per second → 120 events per second')

      await page.getByRole('button', { name: 'Rotate key' }).click()
      await page.getByLabel('Grace period').selectOption('1')
      await expectAccessible(page)
      await page.getByRole('dialog').getByRole('button', { name: 'Rotate key' }).click()
      await expectText(page, 'dialog', 'Earlier secrets are accepted for another 59 min')
      const next = (await page.locator('#secret').textContent()) as string
      expect(next).not.toBe(secret)
      await page.getByRole('button', { name: 'I have copied it' }).click()
      await page.getByText('Rotating ·').waitFor()
      const status = async (key: string) =>
        (await at.server.send(key, '/v1/track', { event: 'x' }, { origin: at.server.origin })).status
      expect([await status(secret), await status(next)]).toEqual([200, 200])
      await page.getByRole('button', { name: /^End now / }).click()
      await expectText(page, 'dialog', 'This cannot be undone')
      await page.getByRole('button', { name: 'End secret' }).click()
      await page.getByText('Rotating ·').waitFor({ state: 'detached' })
      expect([await status(secret), await status(next)]).toEqual([401, 200])

      await page.getByRole('button', { name: 'Revoke' }).click()
      await expectText(page, 'dialog', 'Docs and blog')
      await expectText(page, 'dialog', 'This cannot be undone')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Revoke key' }).click()
      await page.getByText('This key was revoked').waitFor()
      expect(await status(next)).toBe(401)
      await expectAccessible(page)

      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('button', { name: 'Delete key' }).click()
      await page.getByText('was deleted').waitFor()
      await page.getByText('No write keys yet').waitFor()
      await page.getByRole('link', { name: 'Audit log' }).click()
      await expectText(page, '.audit', 'ops deleted Docs and blog')
      await expectAccessible(page)
      expect(complaints).toEqual([])
      await context.close()
    },
    60_000,
  )

  it('does it all by keyboard alone', async () => {
    const { page, context, complaints } = await openPage(at.browser)
    await page.goto(at.server.url)
    await page.getByLabel('Token').waitFor()
    await tabTo(page, 'Token')
    await page.keyboard.type('admin-0123456789-0123456789-0123456789')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out' }).waitFor()

    await tabTo(page, 'Create write key')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('By keyboard')
    await tabTo(page, 'web')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await tabTo(page, 'Create')
    await page.keyboard.press('Enter')
    await page.locator('#secret').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('alertdialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    expect(await page.locator('#secret').count()).toBe(1)
    await page.keyboard.press('Escape')
    await tabTo(page, 'Close without copying')
    await page.keyboard.press('Enter')
    expect(await page.locator('#secret').count()).toBe(0)
    expect(await focused(page)).toBe('Create write key')

    await tabTo(page, 'By keyboard')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'By keyboard' }).waitFor()
    await tabTo(page, 'Rename')
    await page.keyboard.press('Enter')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('Renamed')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Renamed' }).waitFor()
    await tabTo(page, 'Rotate key')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Rotate key')
    await page.keyboard.press('Enter')
    await page.locator('#secret').waitFor()
    await tabTo(page, 'I have copied it')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Revoke')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Revoke key')
    await page.keyboard.press('Enter')
    await page.getByText('This key was revoked').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  }, 60_000)
})

async function createKey(page: Page, origin: string): Promise<string> {
  await page.getByRole('button', { name: 'Create write key' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Docs site')
  await page.getByText('Without allowed origins, any site').waitFor()
  await page.getByLabel('identify', { exact: true }).check()
  await page.getByText('A web key with identify').waitFor()
  await page.getByLabel('identify', { exact: true }).uncheck()
  await page.getByLabel('Server', { exact: true }).check()
  expect(await page.getByLabel('Rate limit').inputValue()).toBe('5000')
  await page.getByLabel('Web', { exact: true }).check()
  expect(await page.getByLabel('Rate limit').inputValue()).toBe('500')
  await page.getByLabel('Origins, one per line').fill(`https://docs.example.com\n${origin}`)
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  return (await page.locator('#secret').textContent()) as string
}

async function expectText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor()
}

/** Name, label, value or text of what has the focus, whichever comes first. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLInputElement | null
    const label = element?.labels?.[0]?.textContent?.trim()
    if (element?.type === 'radio') return element.value
    return element?.getAttribute('aria-label') ?? label ?? element?.textContent?.trim() ?? ''
  })
}

/** Presses Tab until the named control has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    if ((await focused(page)) === name) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not lead to "${name}"; the focus is on "${await focused(page)}"`)
}
