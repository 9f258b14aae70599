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
  const alert = (page: Page, text: string) => page.getByRole('alert').filter({ hasText: text }).waitFor()
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
    await alert(page, 'Nothing was done: this call comes from bob now (admin, workspace globex).')
    expect(await page.getByText('Of globex').count()).toBe(0)
    expect([...(await namesIn('acme')), ...(await namesIn('globex'))]).not.toContain('Of whom?')

    // Back as before: the form is still there.
    await signInAs(context, 'ada')
    await create(page)
    await page.locator('#secret').waitFor()
    expect(await namesIn('acme')).toContain('Of whom?')
    await signInAs(context, 'bob')
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByText('this call comes from bob now').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('bob · admin').waitFor()
    await page.getByRole('link', { name: 'Of globex' }).waitFor()
    expect(await page.getByText('Of whom?').count()).toBe(0)
    await context.close()
  }, 30_000)

  it('follows a change of the role', async () => {
    const { page, context } = await openAs('ada')
    await signInAs(context, 'viewing')
    await page.clock.fastForward(16_000)
    await page.getByText('this call comes from ada now (viewer, workspace acme)').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('ada · viewer').waitFor()
    await context.close()
  }, 30_000)
})
