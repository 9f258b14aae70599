import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { expectAccessible, loseAnswers, openPage, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'the page, when answers get lost', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

  async function openAt(hash: string) {
    const opened = await openPage(at.browser)
    await signIn(opened.page, at.server.url)
    await opened.page.goto(`${at.server.url}${hash}`)
    return opened
  }

  const namesOf = async (q: string) => (await at.server.keys.list({ q })).data.map(({ name }) => name)

  async function fillAndCreate(page: Page, name: string) {
    await page.getByRole('button', { name: 'Create write key' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Server', { exact: true }).check()
    await page.getByRole('button', { name: 'Create', exact: true }).click()
  }

  it.each([
    ['the same form', null],
    ['another name', 'Changed since'],
  ])(
    'makes one key, and leads to a secret for it, with %s',
    async (_, later) => {
      const name = later === null ? 'Once alone' : 'Once at first'
      const { page, context } = await openAt('#/')
      const lost = await loseAnswers(page, /write-keys$/)
      await fillAndCreate(page, name)
      await page.getByText('The server did not answer. Check the connection and try again.').waitFor()
      expect(lost).toEqual([201])
      if (later !== null) await page.getByLabel('Name', { exact: true }).fill(later)
      await page.getByRole('button', { name: 'Create', exact: true }).click()
      const dialog = page.getByRole('dialog', { name: 'Write key created, but its secret is lost' })
      await dialog.getByRole('link', { name }).waitFor()
      await expectAccessible(page)
      expect(await namesOf(name)).toEqual([name])
      expect(await namesOf('Changed since')).toEqual([])
      await dialog.getByRole('button', { name: 'Rotate key' }).click()
      const secret = (await page.locator('#secret').textContent()) ?? ''
      expect((await at.server.send(secret, '/v1/track', { event: 'Tried' })).status).toBe(200)
      await context.close()
    },
    40_000,
  )

  it('makes a key of its own for each form', async () => {
    const { page, context } = await openAt('#/')
    for (const name of ['Twin', 'Twin']) {
      await fillAndCreate(page, name)
      await page.getByRole('button', { name: 'I have copied it' }).click()
      const discard = page.getByRole('button', { name: 'Close without copying' })
      if (await discard.isVisible()) await discard.click()
    }
    await expect.poll(() => namesOf('Twin')).toEqual(['Twin', 'Twin'])
    await context.close()
  }, 60_000)

  it('tells that the key was rotated by an attempt whose answer got lost, and rotates again only when asked to', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Turning', sourceType: 'other' })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const lost = await loseAnswers(page, /\/rotate$/)
    await page.getByRole('button', { name: 'Rotate key' }).click()
    const dialog = page.getByRole('dialog')
    const rotate = dialog.getByRole('button', { name: 'Rotate key' })
    await rotate.click()
    await dialog.getByText('The server did not answer').waitFor()
    expect(lost).toEqual([200])
    await rotate.click()
    await dialog.getByText('The key was rotated meanwhile').waitFor()
    await dialog.getByText('by somebody else, or by an attempt whose answer got lost').waitFor()
    expect((await at.server.keys.get(writeKey.id)).secrets).toHaveLength(2)
    await rotate.click()
    await page.locator('#secret').waitFor()
    expect((await at.server.keys.get(writeKey.id)).secrets).toHaveLength(3)
    await context.close()
  }, 60_000)

  it('rotates over a change of rules, and asks after a rotation of somebody else', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Shared', sourceType: 'other' })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const dialog = page.getByRole('dialog')
    const rotate = dialog.getByRole('button', { name: 'Rotate key' })
    await page.getByRole('button', { name: 'Rotate key' }).click()
    await at.server.keys.rotate(writeKey.id, { gracePeriodHours: 1 })
    await rotate.click()
    await dialog.getByText('The key was rotated meanwhile').waitFor()
    await dialog.getByText('by somebody else, or by an attempt whose answer got lost').waitFor()
    await at.server.keys.update(writeKey.id, { rateLimitEps: 5 })
    await rotate.click()
    await page.locator('#secret').waitFor()
    expect((await at.server.keys.get(writeKey.id)).secrets).toHaveLength(3)
    await context.close()
  }, 60_000)

  async function openRename(page: Page, name: string) {
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    return page.getByRole('button', { name: 'Save' })
  }

  it('takes a name as saved when an attempt whose answer got lost has saved it', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Old name', sourceType: 'other' })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const lost = await loseAnswers(page, /write-keys\/wk_\w+$/, 1, 'PATCH')
    const save = await openRename(page, 'New name')
    await save.click()
    await page.getByText('The server did not answer. Check the connection and try again.').waitFor()
    expect(lost).toEqual([200])
    await save.click()
    await page.getByRole('status').getByText('New name is saved as the name').waitFor()
    await page.getByRole('heading', { name: 'New name' }).waitFor()
    await context.close()
  }, 30_000)

  it('leaves open who has given another name meanwhile', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'First name', sourceType: 'other' })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const save = await openRename(page, 'Third name')
    await at.server.keys.update(writeKey.id, { name: 'Second name' })
    await save.click()
    await page
      .getByText(
        /renamed to \W+Second name\W+ meanwhile, by somebody else or by an attempt whose answer got lost/,
      )
      .waitFor()
    await context.close()
  }, 30_000)

  async function openReview(page: Page) {
    await page.getByRole('button', { name: 'Edit rules' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('spinbutton', { name: /^Rate limit/ }).fill('7')
    await dialog.getByText('More rules').click()
    await dialog.getByLabel('Metadata').fill('{"team":"growth","floor":2}')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    return dialog.getByRole('button', { name: 'Save changes' })
  }

  it('takes rules as saved when an attempt whose answer got lost has saved them', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Edited', sourceType: 'other', rateLimitEps: 5 })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const lost = await loseAnswers(page, /write-keys\/wk_\w+$/, 1, 'PATCH')
    const save = await openReview(page)
    await save.click()
    await page.getByRole('dialog').getByText('The server did not answer').waitFor()
    expect(lost).toEqual([200])
    // What somebody else has done to other fields, or to the order of the metadata, does not matter.
    await at.server.keys.update(writeKey.id, {
      deniedEventNames: ['secret'],
      metadata: { floor: 2, team: 'growth' },
    })
    await save.click()
    await page.getByRole('status').getByText('Edited has your changes').waitFor()
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    await page.getByText('7 events per second').first().waitFor()
    expect((await at.server.keys.get(writeKey.id)).deniedEventNames).toEqual(['secret'])
    await context.close()
  }, 30_000)

  it('shows both versions of rules that are not stored as typed, and leaves open whose they are', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Split', sourceType: 'other', rateLimitEps: 5 })
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const save = await openReview(page)
    await at.server.keys.update(writeKey.id, { rateLimitEps: 7 })
    await save.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('by somebody else or by an attempt of yours whose answer got lost').waitFor()
    await dialog.getByRole('button', { name: 'Keep my changes on top of it' }).waitFor()
    await expectAccessible(page)
    await context.close()
  }, 30_000)

  const secretRow = (page: Page, start: string) =>
    page
      .getByRole('region', { name: 'Secrets' })
      .locator('tbody tr')
      .filter({ hasText: `${start}…` })

  async function openRotated(name: string) {
    const { writeKey } = await at.server.keys.create({ name, sourceType: 'other' })
    const { writeKey: rotated } = await at.server.keys.rotate(writeKey.id, { gracePeriodHours: 24 })
    const old = rotated.secrets[0] as (typeof rotated.secrets)[number]
    const { page, context } = await openAt(`#/keys/${writeKey.id}`)
    const row = secretRow(page, old.start as string)
    await row.getByRole('button', { name: /^End now / }).click()
    return { page, context, row, id: writeKey.id, secretId: old.id, start: old.start as string }
  }

  it.each(['an attempt whose answer got lost', 'a colleague'])(
    'says that a secret has ended already: by %s',
    async (by) => {
      const { page, context, row, id, secretId, start } = await openRotated(`Over by ${by}`)
      const end = page.getByRole('button', { name: 'End secret' })
      if (by === 'a colleague') await at.server.keys.endGrace(id, secretId)
      else {
        await loseAnswers(page, /\/secrets\//, 1, 'DELETE')
        await end.click()
        await page.getByRole('dialog').getByText('The server did not answer').waitFor()
      }
      await end.click()
      await page.getByRole('status').getByText(`${start}… has ended already`).waitFor()
      await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
      await expect.poll(() => row.count()).toBe(0)
      await context.close()
    },
    30_000,
  )

  it('says that the key of a secret was deleted, when its grace is ended', async () => {
    const { page, context, id } = await openRotated('Gone before')
    await at.server.keys.remove(id)
    await page.getByRole('button', { name: 'End secret' }).click()
    await page.getByText('This key has been deleted.').waitFor()
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    await context.close()
  }, 30_000)

  async function chooseAll(page: Page, count: number) {
    await page.getByRole('checkbox', { name: /Choose all/ }).check()
    await page.getByText(`${count} keys chosen`).waitFor()
  }

  const confirm = async (page: Page, verb: 'Pause' | 'Revoke') => {
    await page.getByRole('group', { name: 'Chosen keys' }).getByRole('button', { name: verb }).click()
    await page.getByRole('button', { name: `${verb} keys` }).click()
  }

  it.each([
    ['Revoke', 'revoked'],
    ['Pause', 'paused'],
  ] as const)(
    'says what it does not know, and corrects it: %s',
    async (verb, word) => {
      const ids: string[] = []
      for (const index of [1, 2, 3])
        ids.push(
          (await at.server.keys.create({ name: `${verb}d ${index}`, sourceType: 'other' })).writeKey.id,
        )
      const { page, context } = await openAt(`#/?q=${verb}d`)
      await chooseAll(page, 3)
      await loseAnswers(page, new RegExp(`/${verb.toLowerCase()}$`), 2)
      let isAway = true
      await page.route(/write-keys\/wk_\w+$/, (route) => (isAway ? route.abort() : route.continue()))
      await confirm(page, verb)
      const status = page.getByRole('status').filter({ hasText: word })
      await status.getByText(`1 key ${word}.`).waitFor()
      await status.getByText(`Not known whether 2 keys were ${word}: the server did not answer.`).waitFor()
      isAway = false
      await status.getByText(`3 keys ${word}.`).waitFor()
      expect(await page.getByText('Not known whether').count()).toBe(0)
      await expect.poll(() => page.getByText(/\d keys? chosen/).count()).toBe(0)
      for (const id of ids) expect((await at.server.keys.get(id)).status).toBe(word)
      await status.getByRole('button', { name: 'Dismiss' }).click()
      expect(await status.count()).toBe(0)
      await context.close()
    },
    30_000,
  )

  it('says which of several keys was deleted meanwhile, and which was not reached', async () => {
    const ids: string[] = []
    for (const name of ['Bulk gone', 'Bulk there', 'Bulk lost'])
      ids.push((await at.server.keys.create({ name, sourceType: 'other' })).writeKey.id)
    const { page, context } = await openAt('#/?q=Bulk')
    await chooseAll(page, 3)
    await at.server.keys.remove(ids[0] as string)
    await page.route(new RegExp(`${ids[2]}/pause$`), (route) => route.abort())
    await confirm(page, 'Pause')
    const status = page.getByRole('status').filter({ hasText: 'paused' })
    await status.getByText(`Bulk gone (${ids[0]}): It was deleted meanwhile.`).waitFor()
    await status.getByText(`Bulk lost (${ids[2]}): It is not paused, but active.`).waitFor()
    await status.getByText('1 key paused.').waitFor()
    // What can be tried again is still chosen.
    await page.getByText('1 key chosen').waitFor()
    await context.close()
  }, 60_000)

  it('keeps what came of several keys when the session ends half-way', async () => {
    for (const index of [1, 2, 3])
      await at.server.keys.create({ name: `Halved ${index}`, sourceType: 'other' })
    const { page, context } = await openAt('#/?q=Halved')
    await chooseAll(page, 3)
    let revoked = 0
    await page.route(/\/api\/v1\//, (route) => {
      if (route.request().url().endsWith('/revoke')) revoked++
      return revoked < 2
        ? route.continue()
        : route.fulfill({ status: 401, json: { code: 'invalid_token', status: 401 } })
    })
    await confirm(page, 'Revoke')
    const status = page.getByRole('status').filter({ hasText: 'revoked' })
    await status.getByText('1 key revoked.').waitFor()
    expect(await status.getByText('The server does not accept this management token.').count()).toBe(2)
    // A refresh that is refused takes it away no more than the call did.
    await page.getByRole('alert').filter({ hasText: 'does not accept' }).first().waitFor()
    expect(await status.getByText('1 key revoked.').count()).toBe(1)
    await status.getByRole('button', { name: 'Dismiss' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await context.close()
  }, 60_000)
})
