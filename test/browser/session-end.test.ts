import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { launchBrowser, openPage } from './browser.ts'
import { type PageServer, startPageServer } from './page-server.ts'

/** The application's own users, by what their cookie says. */
const users = new Map([
  ['ada', { name: 'ada', role: 'admin' as const, workspace: 'acme' }],
  ['viewing', { name: 'ada', role: 'viewer' as const, workspace: 'acme' }],
  ['bob', { name: 'bob', role: 'admin' as const, workspace: 'globex' }],
])

describeWithService('chromium', 'a session of the application that ends or changes', (chromiumPath) => {
  let browser: Browser
  let server: PageServer

  beforeAll(async () => {
    server = await startPageServer({
      admin: {
        authorize: ({ headers }) =>
          users.get(/(?:^|; )session=(\w+)/.exec(headers.get('cookie') ?? '')?.[1] ?? '') ?? null,
      },
    })
    browser = await launchBrowser(chromiumPath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  const signInAs = (context: BrowserContext, who: string) =>
    context.addCookies([{ name: 'session', value: who, url: server.origin, sameSite: 'Lax' }])

  async function openAs(who: string, hash = '') {
    const opened = await openPage(browser)
    await opened.page.clock.install()
    await signInAs(opened.context, who)
    await opened.page.goto(server.url + hash)
    await opened.page.getByText(`${users.get(who)?.name} · ${users.get(who)?.role}`).waitFor()
    return opened
  }

  async function fillCreateForm(page: Page, name: string) {
    await page.getByRole('button', { name: 'Create write key' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Server', { exact: true }).check()
  }

  const create = (page: Page) => page.getByRole('button', { name: 'Create', exact: true }).click()
  const alert = (page: Page, text: string) =>
    page.getByRole('alert').filter({ hasText: text }).first().waitFor()
  const namesIn = async (workspace: string) =>
    (await server.keys.list({ workspace })).data.map(({ name }) => name)

  it('shows the secret of a key that is created after signing in again', async () => {
    const { page, context } = await openAs('ada')
    await fillCreateForm(page, 'Made later')
    await context.clearCookies()
    await create(page)
    await alert(page, 'You are no longer signed in to the application. Sign in there again, in another tab')
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Made later')
    await signInAs(context, 'ada')
    await create(page)
    expect(await page.locator('#secret').textContent()).toMatch(/^sk_live_/)

    // A refresh that is refused meanwhile takes nothing away either.
    await context.clearCookies()
    const refused = page.waitForResponse((response) => response.status() === 401)
    await page.clock.fastForward(16_000)
    await refused
    // What a refused refresh changes shows in the next frame.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
    expect(await page.locator('#secret').count()).toBe(1)
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByText('Sign in to the application first').waitFor()
    await signInAs(context, 'ada')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('link', { name: 'Made later' }).waitFor()
    expect((await namesIn('acme')).filter((name) => name === 'Made later')).toHaveLength(1)
    await context.close()
  }, 60_000)

  it('rotates a key after signing in again, in the dialog that was open', async () => {
    const { writeKey } = await server.keys.create({ name: 'Turning', sourceType: 'other', workspace: 'acme' })
    const { page, context } = await openAs('ada', `#/keys/${writeKey.id}`)
    await page.getByRole('button', { name: 'Rotate key' }).click()
    const dialog = page.getByRole('dialog')
    await context.clearCookies()
    await dialog.getByRole('button', { name: 'Rotate key' }).click()
    await alert(page, 'You are no longer signed in')
    await signInAs(context, 'ada')
    await dialog.getByRole('button', { name: 'Rotate key' }).click()
    await page.locator('#secret').waitFor()
    expect((await server.keys.get(writeKey.id)).secrets).toHaveLength(2)
    await context.close()
  }, 30_000)

  it('neither shows nor changes anything once somebody else is signed in, and says who', async () => {
    await server.keys.create({ name: 'Of globex', sourceType: 'other', workspace: 'globex' })
    const { page, context } = await openAs('ada')
    await fillCreateForm(page, 'Of whom?')
    await signInAs(context, 'bob')
    await create(page)
    await page
      .getByText('Nothing was done: this call comes from bob now (admin, workspace globex).')
      .waitFor()
    expect(await page.getByText('Of globex').count()).toBe(0)
    expect([...(await namesIn('acme')), ...(await namesIn('globex'))]).not.toContain('Of whom?')

    // The form of the first is gone, with what was typed.
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.locator('body').innerHTML()).not.toContain('Of whom?')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('bob · admin').waitFor()
    await page.getByRole('link', { name: 'Of globex' }).waitFor()
    await context.close()
  }, 30_000)

  it('hides a new secret, and what stands behind it, as soon as somebody else is signed in', async () => {
    const { page, context } = await openAs('ada')
    await fillCreateForm(page, 'Of ada alone')
    await create(page)
    const secret = (await page.locator('#secret').textContent()) ?? ''
    expect(secret).toMatch(/^sk_live_/)
    await signInAs(context, 'bob')
    await page.clock.fastForward(16_000)
    await page.getByText('Who is signed in has changed: it is bob now (admin, workspace globex).').waitFor()
    const left = await page.locator('body').innerHTML()
    expect(left).not.toContain(secret)
    expect(left).not.toContain('Of ada alone')
    expect(await page.getByText('Nothing was done').count()).toBe(0)
    await context.close()
  }, 30_000)

  it('looks who is signed in when its tab is shown again, whatever is open', async () => {
    const { writeKey } = await server.keys.create({ name: 'Edited', sourceType: 'other', workspace: 'acme' })
    const { page, context } = await openAs('ada', `#/keys/${writeKey.id}`)
    await page.getByRole('button', { name: 'Edit rules' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Half typed')
    await signInAs(context, 'bob')
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await page.getByText('Who is signed in has changed: it is bob now').waitFor()
    expect(await page.locator('body').innerHTML()).not.toMatch(/Half typed|Edited/)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('bob · admin').waitFor()
    await page.getByText('No key here has this id').waitFor()
    await context.close()
  }, 30_000)

  it('keeps a name that is being typed when the session ends, and asks before it is lost', async () => {
    const { writeKey } = await server.keys.create({ name: 'Named', sourceType: 'other', workspace: 'acme' })
    const { page, context } = await openAs('ada', `#/keys/${writeKey.id}`)
    await page.getByRole('button', { name: 'Rename' }).click()
    const field = page.locator('main').getByLabel('Name', { exact: true })
    await field.fill('Renamed')
    const question = page.getByRole('alertdialog')
    const leavings = [
      () => page.getByRole('link', { name: 'Audit log', exact: true }).click(),
      () => page.evaluate(() => history.back()),
      () => page.getByRole('link', { name: '← All write keys' }).click(),
    ]
    for (const leave of leavings) {
      await leave()
      await question.getByText('The new name has not been saved. Throw it away?').waitFor()
      await question.getByRole('button', { name: 'Stay here' }).click()
      expect(await field.inputValue()).toBe('Renamed')
    }
    const asked = page.waitForEvent('dialog')
    const reload = page.reload().catch(() => {})
    await (await asked).dismiss()
    await reload

    await context.clearCookies()
    const refused = page.waitForResponse((response) => response.status() === 401)
    await page.clock.fastForward(16_000)
    await refused
    await alert(page, 'You are no longer signed in to the application.')
    expect(await field.inputValue()).toBe('Renamed')
    await signInAs(context, 'ada')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Renamed' }).waitFor()
    expect((await server.keys.get(writeKey.id)).name).toBe('Renamed')

    await page.getByRole('button', { name: 'Rename' }).click()
    await field.fill('Thrown away')
    await page.getByRole('link', { name: 'Audit log', exact: true }).click()
    await question.getByRole('button', { name: 'Discard' }).click()
    await page.getByRole('heading', { name: 'Audit log' }).waitFor()
    await context.close()
  }, 60_000)

  it('follows a change of the role', async () => {
    const { page, context } = await openAs('ada')
    await signInAs(context, 'viewing')
    await page.clock.fastForward(16_000)
    await page.getByText('Who is signed in has changed: it is ada now (viewer, workspace acme).').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('ada · viewer').waitFor()
    await context.close()
  }, 30_000)
})
