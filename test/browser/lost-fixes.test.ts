import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { expectAccessible, loseAnswers, openPage, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'fixes and trials at the page, when answers get lost', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

  async function openAt(hash: string) {
    const opened = await openPage(at.browser)
    await signIn(opened.page, at.server.url)
    await opened.page.goto(`${at.server.url}${hash}`)
    return opened
  }

  /** A key, and the dialog that adds an origin that it has refused. */
  async function openFix(name: string) {
    const origin = `https://${name.toLowerCase()}.example.com`
    const allowedOrigins = ['https://app.example.com']
    const { key, writeKey } = await at.server.keys.create({ name, sourceType: 'web', allowedOrigins })
    await at.server.send(key, '/v1/track', { event: 'x' }, { origin })
    const { page, context } = await openAt(`#/debugger?tab=problems&key_id=${writeKey.id}`)
    const problem = page.locator('.problems > li').filter({ hasText: origin })
    await problem.getByRole('button', { name: 'Allow this origin' }).click()
    const dialog = page.getByRole('dialog')
    const allow = dialog.getByRole('button', { name: 'Allow this origin' })
    const stored = async () => (await at.server.keys.get(writeKey.id)).allowedOrigins
    return { page, context, dialog, allow, id: writeKey.id, origin, stored }
  }

  it('takes an origin as allowed when an attempt whose answer got lost has allowed it', async () => {
    const { page, context, dialog, allow, origin, stored } = await openFix('Fixed')
    const lost = await loseAnswers(page, /write-keys\/wk_\w+$/, 1, 'PATCH')
    await allow.click()
    await dialog.getByText('The server did not answer').waitFor()
    expect(lost).toEqual([200])
    await allow.click()
    await page
      .getByRole('status')
      .getByText(
        /Fixed\W+allows this already, by somebody else or by an attempt whose answer got lost\. Nothing was changed/,
      )
      .waitFor()
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(await stored()).toEqual(['https://app.example.com', origin])
    await context.close()
  }, 30_000)

  it('adds an origin to what somebody else has made of the key meanwhile', async () => {
    const { page, context, allow, id, origin, stored } = await openFix('Joined')
    const others = ['https://new.example.com']
    await at.server.keys.update(id, { allowedOrigins: others, rateLimitEps: 5 })
    await allow.click()
    await page.getByRole('status').getByText('was changed: allow this origin').waitFor()
    expect(await stored()).toEqual([...others, origin])
    await context.close()
  }, 30_000)

  it('says that the key was deleted meanwhile', async () => {
    const { context, dialog, allow, id } = await openFix('Gone')
    await dialog.getByText('Gone', { exact: true }).waitFor()
    await at.server.keys.remove(id)
    await allow.click()
    await dialog.getByText('This key has been deleted.').waitFor()
    await context.close()
  }, 30_000)

  const trialOf = (page: Page) => page.getByRole('region', { name: 'Rules on trial' })

  async function openTrial(name: string) {
    const { writeKey } = await at.server.keys.create({ name, sourceType: 'server' })
    await at.server.keys.update(writeKey.id, { trial: { deniedEventNames: ['debug/*'] } })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const trial = trialOf(page)
    await trial.waitFor()
    const press = (action: string) => trial.getByRole('button', { name: action }).click()
    const stored = () => at.server.keys.get(writeKey.id)
    return { page, context, trial, press, id: writeKey.id, stored }
  }

  it.each([
    ['Enforce now', 'POST', ['debug/*'], 'has the rules that were on trial in force'],
    ['Drop', 'DELETE', null, 'has no rules on trial any more, and those it had are not in force'],
  ] as const)(
    'takes a trial as ended when an attempt whose answer got lost has ended it: %s',
    async (action, method, deniedEventNames, words) => {
      const { page, context, trial, press, stored } = await openTrial(`Ended by ${action}`)
      const lost = await loseAnswers(page, /\/trial(\/enforce)?$/, 1, method)
      await press(action)
      await trial.getByText('The server did not answer').waitFor()
      expect(lost).toEqual([200])
      await press(action)
      const status = page.getByRole('status').filter({ hasText: words })
      await status.getByText('by somebody else or by an attempt whose answer got lost').waitFor()
      await trial.waitFor({ state: 'detached' })
      expect(await stored()).toMatchObject({ trial: null, deniedEventNames })
      await context.close()
    },
    30_000,
  )

  it('says what became of a trial when a refresh shows it', async () => {
    const { page, context, trial, press, stored } = await openTrial('Refreshed')
    await page.clock.install()
    await page.reload()
    await loseAnswers(page, /\/trial\/enforce$/)
    await press('Enforce now')
    await trial.getByText('The server did not answer').waitFor()
    await page.clock.runFor(16_000)
    await page.getByRole('status').getByText('has the rules that were on trial in force').waitFor()
    expect(await trial.count()).toBe(0)
    expect(await stored()).toMatchObject({ trial: null, deniedEventNames: ['debug/*'] })
    await context.close()
  }, 30_000)

  it('enforces over a change of other fields, and asks after a change of these rules', async () => {
    const { page, context, trial, press, id, stored } = await openTrial('Tried')
    await at.server.keys.update(id, { deniedEventNames: ['beta/*'] })
    await press('Enforce now')
    await trial
      .getByText('were changed meanwhile, by somebody else or by an attempt whose answer got lost')
      .waitFor()
    await expectAccessible(page)
    expect(await stored()).toMatchObject({ deniedEventNames: ['beta/*'] })
    await at.server.keys.update(id, { rateLimitEps: 5 })
    await press('Enforce now')
    await trial.waitFor({ state: 'detached' })
    expect(await stored()).toMatchObject({ trial: null, deniedEventNames: ['debug/*'], rateLimitEps: 5 })
    await context.close()
  }, 30_000)
})
