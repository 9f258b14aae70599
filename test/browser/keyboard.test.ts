import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { createSignal } from '../signal.ts'
import { openPage, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'the page by keyboard alone', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

  async function openKey(name: string) {
    const { writeKey } = await at.server.keys.create({ name, sourceType: 'other' })
    await at.server.keys.rotate(writeKey.id, { gracePeriodHours: 24 })
    const opened = await openPage(at.browser)
    await signIn(opened.page, at.server.url)
    await opened.page.goto(`${at.server.url}#/keys/${writeKey.id}`)
    await opened.page.getByRole('heading', { name }).waitFor()
    return opened
  }

  async function openList(search: string, names: readonly string[]) {
    for (const name of names) await at.server.keys.create({ name: `${search} ${name}`, sourceType: 'other' })
    const opened = await openPage(at.browser)
    await signIn(opened.page, at.server.url)
    await opened.page.goto(`${at.server.url}#/?q=${search}`)
    await opened.page.getByText(`${names.length} keys`).waitFor()
    return opened
  }

  it('keeps the focus on a key that is renamed, paused, resumed and revoked, and whose old secret is ended', async () => {
    const { page, context, complaints } = await openKey('By hand')
    await press(page, 'Rename')
    await page.keyboard.type('Escaped')
    await page.keyboard.press('Escape')
    await expectFocus(page, 'Rename')
    await page.keyboard.press('Enter')
    await page.keyboard.type('By keyboard')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'By keyboard' }).waitFor()
    await expectFocus(page, 'Rename')
    await press(page, /^End/)
    await press(page, 'End secret')
    await expectFocus(page, 'Secrets')
    await press(page, 'Pause')
    await press(page, 'Pause key')
    await expectFocus(page, 'Resume')
    await page.keyboard.press('Enter')
    await expectFocus(page, 'Pause')
    await press(page, 'Revoke')
    await press(page, 'Revoke key')
    await page.getByText('This key was revoked').waitFor()
    await expectFocus(page, /By keyboard/)
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('lets somebody who renames go on to the buttons, whatever is drawn anew meanwhile', async () => {
    const { page, context } = await openKey('Half named')
    await press(page, 'Rename')
    await page.keyboard.press('Tab')
    await expectFocus(page, 'Save')
    await page.evaluate(async () => {
      document.dispatchEvent(new Event('visibilitychange'))
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    })
    expect(await focused(page)).toBe('Save')
    await context.close()
  }, 30_000)

  it('keeps the focus in a list that is sorted and whose keys are chosen and paused', async () => {
    const { page, context, complaints } = await openList('Handled', ['a', 'b'])
    const rows = () => page.locator('td.name > a bdi').allTextContents()
    await press(page, 'Name')
    await expect.poll(rows).toEqual(['Handled a', 'Handled b'])
    await expectFocus(page, 'Name')
    await page.keyboard.press('Enter')
    await expect.poll(rows).toEqual(['Handled b', 'Handled a'])
    await expectFocus(page, 'Name')
    const all = page.getByLabel('Choose all on this page')
    await all.focus()
    await page.keyboard.press('Space')
    await press(page, 'Choose none')
    await expectFocus(page, 'Choose all on this page')
    await page.keyboard.press('Space')
    await press(page, 'Pause')
    await press(page, 'Pause keys')
    await page.getByText('2 keys paused.').waitFor()
    await expectFocus(page, 'Choose all on this page')
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('says what came of a change of a key, and of another window', async () => {
    const { page, context } = await openKey('Spoken')
    const heard = await listen(page)
    let count = 0
    const hears = async (text: string | RegExp) => {
      await expect.poll(async () => (await heard())[count] ?? 'NOTHING').toMatch(text)
      expect(await heard()).toHaveLength(++count)
    }
    await press(page, 'Rename')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('Aloud')
    await page.keyboard.press('Enter')
    await hears('Aloud is the new name of this key.')
    await press(page, '7 days')
    await hears('0 events accepted in 7 days, 0 refusals.')
    await press(page, /^End now/)
    await press(page, 'End secret')
    await hears(/^Aloud has one secret less: sk_live_.{4}… has ended\.$/)
    await press(page, 'Pause')
    await press(page, 'Pause key')
    await hears('Aloud was paused.')
    await press(page, 'Resume')
    await hears('Aloud accepts events again.')
    await press(page, 'Revoke')
    await press(page, 'Revoke key')
    await hears('Aloud was revoked.')
    await context.close()
  }, 30_000)

  it('exports only when asked to, and says how far it is', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `${index}`)
    const { page, context } = await openList('Exported', names)
    const heard = await listen(page)
    const download = page.waitForEvent('download')
    await press(page, 'Export CSV')
    expect((await download).suggestedFilename()).toBe('write-keys.csv')
    const all = [
      'Exporting as CSV…',
      'Exporting: 100 of 250 keys.',
      'Exporting: 200 of 250 keys.',
      '250 keys exported as CSV.',
    ]
    await expect.poll(heard).toEqual(all)
    await expectFocus(page, 'Export CSV')
    await context.close()
  }, 30_000)

  it('names each control by what it shows, and tells keys of one name apart', async () => {
    const { page, context } = await openList('Twice', ['same', 'same'])
    const names = await page
      .getByRole('checkbox', { name: /^Choose Twice same/ })
      .evaluateAll((boxes) => boxes.map(({ ariaLabel }) => ariaLabel))
    expect(new Set(names).size).toBe(2)
    await context.close()
    const { page: ofKey, context: other } = await openKey('Called')
    await ofKey.getByRole('button', { name: /^End now sk_live_/ }).waitFor()
    await other.close()
  }, 30_000)

  it('shows the secrets of a key on 390 pixels without scrolling sideways', async () => {
    const { page, context } = await openKey('Narrow')
    await page.setViewportSize({ width: 390, height: 844 })
    const hidden = () =>
      page.getByLabel('Secrets').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
    await expect.poll(hidden).toBe(0)
    await context.close()
  }, 30_000)

  it('keeps the focus in a dialog on a button that is disabled for a moment, and takes none that was given up', async () => {
    const { page, context } = await openKey('In a dialog')
    await press(page, 'Rotate key')
    await press(page, 'Rotate key', page.getByRole('dialog'))
    await page.locator('#secret').waitFor()
    await press(page, 'Send test event')
    await page.locator('.answer').waitFor()
    await expectFocus(page, 'Send test event')
    await press(page, 'I have copied it')
    await expectFocus(page, 'Rotate key')

    await page.locator('.brand').click()
    await page.evaluate(() => document.querySelector('.actions button')?.remove())
    expect(await focused(page)).toBe('BODY')
    await context.close()
  }, 30_000)

  /** Presses a button whose answer is held back, and once more meanwhile. */
  async function pressAndWait(
    page: Page,
    name: string,
    path: RegExp,
    within: Pick<Page, 'getByRole'> = page,
  ) {
    let calls = 0
    const { promise: released, resolve: release } = createSignal()
    await page.route(path, async (route) => {
      if (route.request().method() !== 'GET') calls++
      await released
      await route.continue()
    })
    await press(page, name, within)
    await expect.poll(() => calls).toBe(1)
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    )
    expect(await focused(page)).toBe(name)
    await page.keyboard.press('Enter')
    expect(calls).toBe(1)
    release()
  }

  it('leaves the focus on a button until the answer is there, and asks once', async () => {
    const { page, context, complaints } = await openKey('Slowly')
    const dialog = page.getByRole('dialog')
    await press(page, 'Rename')
    await page.keyboard.type('More slowly')
    await pressAndWait(page, 'Save', /write-keys\/wk_\w+$/)
    await page.getByRole('heading', { name: 'More slowly' }).waitFor()

    await press(page, 'Edit rules')
    await dialog.getByLabel('Which limit').selectOption('own')
    await dialog.getByRole('spinbutton', { name: /^Rate limit/ }).fill('7')
    await press(page, 'Save', dialog)
    await pressAndWait(page, 'Save changes', /write-keys\/wk_\w+$/)
    await dialog.waitFor({ state: 'detached' })

    await press(page, 'Rotate key')
    await pressAndWait(page, 'Rotate key', /\/rotate$/, dialog)
    await page.locator('#secret').waitFor()
    await press(page, 'I have copied it')
    await press(page, 'Pause')
    await pressAndWait(page, 'Pause key', /\/pause$/)
    await expectFocus(page, 'Resume')
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('leaves the focus where it is while a key is made, keys are checked and a trial is ended', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Slow trial', sourceType: 'server' })
    await at.server.keys.update(writeKey.id, { trial: { deniedEventNames: ['debug/*'] } })
    const { page, context } = await openList('Waits', ['a', 'b'])
    const dialog = page.getByRole('dialog')
    await press(page, 'Create write key')
    await dialog.getByLabel('Name', { exact: true }).fill('Made once')
    await dialog.getByLabel('Server', { exact: true }).check()
    await pressAndWait(page, 'Create', /write-keys$/)
    await page.locator('#secret').waitFor()
    await press(page, 'I have copied it')
    await press(page, 'Import keys')
    await dialog.getByLabel('Keys', { exact: true }).fill('{}')
    await pressAndWait(page, 'Check', /\/import$/)
    await dialog.getByText('0 can be imported').waitFor()
    await press(page, 'Close', dialog)
    await press(page, 'Discard', dialog)
    await page.goto(`${at.server.url}#/keys/${writeKey.id}`)
    await pressAndWait(page, 'Enforce now', /\/enforce$/)
    await page.getByRole('region', { name: 'Rules on trial' }).waitFor({ state: 'detached' })
    expect((await at.server.keys.list({ q: 'Made once' })).data).toHaveLength(1)
    await context.close()
  }, 30_000)
})

async function press(page: Page, name: string | RegExp, within: Pick<Page, 'getByRole'> = page) {
  await within.getByRole('button', { name, exact: true }).focus()
  await page.keyboard.press('Enter')
}

/** @returns what reads all that the page has said since */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const region = document.querySelector('main > [role=status]') as HTMLElement
    const said: string[] = []
    Object.assign(window, { said })
    new MutationObserver(() => region.innerText !== '' && said.push(region.innerText.trim())).observe(
      region,
      {
        childList: true,
        subtree: true,
        characterData: true,
      },
    )
  })
  return () => page.evaluate(() => (window as unknown as { said: string[] }).said)
}

/** The control with the focus, as somebody would call it. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement
    return element === document.body
      ? 'BODY'
      : (element.ariaLabel ?? element.innerText.replace(/[↓↑]/, '').trim())
  })
}

function expectFocus(page: Page, name: string | RegExp): Promise<void> {
  return expect.poll(() => focused(page)).toMatch(typeof name === 'string' ? new RegExp(`^${name}$`) : name)
}
