import { expect, it } from 'vitest'
import { adminToken } from '../admin/admin-calls.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'what a customer may have, at the page', (chromiumPath) => {
  const at = useServedPage(chromiumPath, {
    plans: { free: { rateLimitEps: 40, senderRateLimitEps: 20 }, pro: { rateLimitEps: 90 } },
    defaultPlan: 'free',
    maxKeysPerWorkspace: 2,
    admin: { tokens: [{ name: 'ada', token: adminToken, role: 'admin', workspace: 'acme' }] },
  })
  const ofAcme = { sourceType: 'server', workspace: 'acme' } as const

  it('says in the form what the plan allows, and how many keys there may be, before anything is refused', async () => {
    await at.server.keys.create({ ...ofAcme, name: 'First' })
    const { page, context, complaints } = await openPage(at.browser)
    await signIn(page, at.server.url)
    const open = () => page.getByRole('button', { name: 'Create write key' }).click()
    await open()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Your workspace holds 1 of at most 2 keys.').waitFor()
    await dialog.getByText('That is 40 events per second.').waitFor()
    await dialog.getByLabel('Which limit').selectOption('own')
    await dialog.getByText('Your plan allows 40 events per second at most.').waitFor()
    await dialog.getByRole('combobox', { name: 'Share of one sender' }).selectOption('own')
    await dialog.getByText('Your plan allows 20 events per second at most.').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('combobox', { name: 'Share of one sender' }).selectOption('default')
    await dialog.getByLabel('Which limit').selectOption('default')
    await dialog.getByLabel('Name', { exact: true }).fill('Second')
    await dialog.getByLabel('Server', { exact: true }).check()
    await dialog.getByRole('button', { name: 'Create', exact: true }).click()
    await page.locator('#secret').waitFor()
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await open()
    await dialog.getByText('Your workspace holds as many keys as it may: 2').waitFor()
    await expectAccessible(page)
    expect(complaints).toEqual([])
    await context.close()
  }, 30_000)

  it('says what the plan of the key allows, as far as it is known', async () => {
    const [key] = (await at.server.keys.list({ workspace: 'acme' })).data
    const id = key?.id as string
    await at.server.keys.update(id, { plan: 'pro' })
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.goto(`${at.server.url}#/keys/${id}`)
    const edit = page.getByRole('button', { name: 'Edit rules' })
    const dialog = page.getByRole('dialog')
    await edit.click()
    await dialog.getByText('That is 90 events per second.').waitFor()
    expect(await dialog.getByText('Your workspace holds').count()).toBe(0)
    await page.keyboard.press('Escape')
    await at.server.keys.update(id, { rateLimitEps: 5 })
    await page.reload()
    await edit.click()
    await dialog.getByText('Your plan may allow less.').waitFor()
    await context.close()
  }, 30_000)
})
