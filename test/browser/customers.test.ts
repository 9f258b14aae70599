import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { expectAccessible, launchBrowser, openPage, screens, signIn } from './browser.ts'
import { listen, type PageServer, startPageServer } from './page-server.ts'

/** The application's own sessions: what its cookie says, and the workspace. */
const sessions = new Map([
  ['ada', 'acme'],
  ['bob', 'globex'],
])

describeWithService('chromium', 'customers at the page', (chromiumPath) => {
  let browser: Browser
  let server: PageServer
  let app: Awaited<ReturnType<typeof listen>>
  let stranger: Awaited<ReturnType<typeof listen>>

  beforeAll(async () => {
    const frame: Parameters<typeof listen>[0] = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(`<!doctype html><title>An app</title>
        <iframe src="${server.url}" width="1200" height="800" allow="clipboard-write"></iframe>`)
    }
    app = await listen(frame)
    stranger = await listen(frame)
    server = await startPageServer({
      plans: { free: { rateLimitEps: 40, senderRateLimitEps: 20, monthlyEvents: 5 } },
      admin: {
        frameAncestors: [app.origin],
        authorize(request) {
          const who = /(?:^|; )session=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? ''
          const workspace = sessions.get(who)
          return workspace === undefined ? null : { name: who, role: 'admin', workspace }
        },
      },
    })
    browser = await launchBrowser(chromiumPath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await Promise.all([server?.close(), app?.close(), stranger?.close()])
  })

  /** The page asks the application first, which knows nobody here: Chromium notes the 401. */
  async function openWithToken(look?: BrowserContextOptions) {
    const opened = await openPage(browser, look)
    await signIn(opened.page, server.url)
    expect(opened.complaints.splice(0)).toEqual([expect.stringContaining('401')])
    return opened
  }

  async function openAs(who: string) {
    const opened = await openPage(browser)
    await opened.context.addCookies([{ name: 'session', value: who, url: server.origin, sameSite: 'Lax' }])
    return opened
  }

  it('shows each customer their keys in a frame of the application, and nobody frames it elsewhere', async () => {
    for (const workspace of ['acme', 'globex'])
      await server.keys.create({ name: `Shop of ${workspace}`, sourceType: 'server', workspace })
    const { page, context, complaints } = await openAs('ada')
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(app.origin)
    const framed = page.frameLocator('iframe')
    await framed.getByText('ada · admin').waitFor()
    await framed.getByRole('link', { name: 'Shop of acme' }).waitFor()
    expect(await framed.getByText('globex').count()).toBe(0)
    // It is the application's session, and not the page's to end.
    expect(await framed.getByRole('button', { name: 'Sign out' }).count()).toBe(0)

    await framed.getByRole('button', { name: 'Create write key' }).click()
    await framed.getByLabel('Name', { exact: true }).fill('Made in a frame')
    await framed.getByLabel('Server', { exact: true }).check()
    await framed.getByLabel('Which limit').selectOption('own')
    await framed.getByLabel('Which limit').selectOption('default')
    await framed.getByText('There is none: the key may send any number.').waitFor()
    expect(await framed.getByText('Without a rate limit').count()).toBe(0)
    await framed.getByRole('button', { name: 'Create', exact: true }).click()
    await framed.getByRole('button', { name: 'Copy', exact: true }).click()
    await framed.getByRole('button', { name: 'Copied', exact: true }).waitFor()
    await framed.getByRole('button', { name: 'I have copied it' }).click()
    await framed.getByRole('link', { name: 'Made in a frame' }).waitFor()
    const made = (await server.keys.list({ workspace: 'acme' })).data.find(
      ({ name }) => name === 'Made in a frame',
    )
    expect(made).toMatchObject({ workspace: 'acme', rateLimitEps: null })
    expect(complaints).toEqual([])

    await page.goto(stranger.origin)
    await expect.poll(() => page.frames()[1]?.url()).toContain('chrome-error:')
    expect(complaints.splice(0).join()).toContain('frame-ancestors')
    await context.close()
  }, 30_000)

  it('shows nothing of another workspace, by its address either, and says when the session has ended', async () => {
    const { writeKey } = await server.keys.create({ name: 'Of acme', sourceType: 'other', workspace: 'acme' })
    const { page, context } = await openAs('bob')
    await page.goto(`${server.url}#/keys/${writeKey.id}`)
    await page.getByRole('alert').filter({ hasText: 'No key here has this id' }).waitFor()
    for (const view of ['Debugger', 'Anomalies', 'Audit log', 'Write keys']) {
      await page.getByRole('link', { name: view, exact: true }).click()
      await page
        .getByText(/^Updated|^Live/)
        .first()
        .waitFor()
      expect(await page.getByText('acme').count()).toBe(0)
    }
    await context.clearCookies()
    await page.evaluate(() => {
      location.hash = '#/audit'
    })
    await page.getByText('You are no longer signed in to the application.').waitFor()
    await context.close()
  }, 30_000)

  it.each(screens)(
    'says which rate a plan gives, what is left of it, and suggests a share %s',
    async (_, look) => {
      const { key, writeKey } = await server.keys.create({ name: 'Planned', sourceType: 'web', plan: 'free' })
      await server.send(key, '/v1/batch', {
        batch: [1, 2, 3].map((id) => ({ type: 'track', event: `${id}` })),
      })
      const { page, context, complaints } = await openWithToken(look)
      await page.goto(`${server.url}#/keys/${writeKey.id}`)
      const rules = page.locator('.rules')
      await rules.getByText('plan free: 40 events per second').waitFor()
      await rules.getByText('at most 20 events per second').waitFor()
      await rules.getByText('5 events per month').waitFor()
      expect(await page.getByText('Without a rate limit').count()).toBe(0)
      await page.getByText('2 of 5 events are left this month').waitFor()
      await expectAccessible(page)

      await page.getByRole('button', { name: 'Edit rules' }).click()
      await page.getByLabel('Which limit').selectOption('own')
      await page.getByLabel('Rate limit').fill('600')
      await page.getByLabel('Share of one sender').selectOption('own')
      expect(await page.getByLabel('One address').inputValue()).toBe('60')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('button', { name: 'Save changes' }).click()
      await rules.getByText('at most 60 events per second').waitFor()
      expect(await server.keys.get(writeKey.id)).toMatchObject({ rateLimitEps: 600, senderRateLimitEps: 60 })

      await server.send(key, '/v1/batch', { batch: [4, 5].map((id) => ({ type: 'track', event: `${id}` })) })
      expect((await server.send(key, '/v1/track', { event: '6' })).status).toBe(429)
      await page.reload()
      await page.getByText('0 of 5 events are left this month').waitFor()
      await page.getByText('Senders are refused with 429 until then').waitFor()
      await page.getByRole('button', { name: /has sent as many events this month/ }).waitFor()
      expect(complaints).toEqual([])
      await context.close()
    },
    30_000,
  )

  it('tries a rule on live traffic, shows what it would refuse, and enforces or drops it', async () => {
    const { key, writeKey } = await server.keys.create({ name: 'On trial', sourceType: 'server' })
    const { page, context, complaints } = await openWithToken()
    await page.goto(`${server.url}#/keys/${writeKey.id}`)
    const putOnTrial = async () => {
      await page.getByRole('button', { name: 'Edit rules' }).click()
      await page.getByText('More rules').click()
      await page.getByLabel('Denied event names', { exact: true }).selectOption('list')
      await page.getByLabel('Denied event names, one per line').fill('debug/*')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('button', { name: 'Put on trial' }).click()
      await page.getByRole('button', { name: 'Save changes' }).click()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await putOnTrial()
    const trial = page.getByRole('region', { name: 'Rules on trial' })
    await trial.getByText('Nothing has been judged').waitFor()
    const send = async (event: string) => (await server.send(key, '/v1/track', { event })).status
    // Rules count everywhere within the lease.
    await expect
      .poll(async () => {
        await send('debug/poll')
        return (await server.keys.usage(writeKey.id)).wouldRefuseTotal
      })
      .toBeGreaterThan(0)
    expect(await send('paid')).toBe(200)
    const { wouldRefuseTotal, triedTotal } = await server.keys.usage(writeKey.id)
    await page.reload()
    await trial.getByText(`Would have refused ${wouldRefuseTotal} of ${triedTotal} events`).waitFor()
    await trial.getByText(`The key may not send events of this name: ${wouldRefuseTotal}`).waitFor()
    await expectAccessible(page)
    await trial.getByRole('link', { name: 'Show them' }).click()
    await page.locator('.decisions li').filter({ hasText: 'debug/poll' }).first().waitFor()
    expect(await page.locator('.decisions li').filter({ hasText: 'paid' }).count()).toBe(0)

    await page.goBack()
    await trial.getByRole('button', { name: 'Drop' }).click()
    await trial.waitFor({ state: 'detached' })
    expect(await server.keys.get(writeKey.id)).toMatchObject({ trial: null, deniedEventNames: null })

    await putOnTrial()
    await trial.getByRole('button', { name: 'Enforce now' }).click()
    await trial.waitFor({ state: 'detached' })
    expect(await server.keys.get(writeKey.id)).toMatchObject({ trial: null, deniedEventNames: ['debug/*'] })
    await expect.poll(() => send('debug/again')).toBe(403)
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)
})
