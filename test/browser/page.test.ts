import { expect, it } from 'vitest'
import { adminToken, viewerToken } from '../admin/admin-calls.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, screens, signIn } from './browser.ts'
import { hostileTexts } from './hostile-texts.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'the page', (chromiumPath) => {
  const at = useServedPage(chromiumPath, { mount: '/ops/eu', activity: { anomalies: { unseenRefusals: 3 } } })

  it('lets nobody in without a good token, and keeps it in this tab only', async () => {
    const { page, context } = await openPage(at.browser)
    await page.goto(at.server.url)
    await page.getByLabel('Token').fill('x'.repeat(40))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').filter({ hasText: 'management token' }).waitFor()
    await signIn(page, at.server.url)
    const kept = await page.evaluate(() => ({
      local: JSON.stringify(localStorage),
      cookie: document.cookie,
      url: location.href,
    }))
    expect(JSON.stringify(kept)).not.toContain(adminToken)
    await page.reload()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(adminToken)
    await page.reload()
    await page.getByLabel('Token').waitFor()
    await context.close()
  })

  it('shows a viewer no way to change anything, and the server refuses it anyway', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Seen by a viewer', sourceType: 'other' })
    const { page, context, complaints } = await openPage(at.browser)
    await signIn(page, at.server.url, viewerToken)
    await page.getByRole('link', { name: 'Seen by a viewer' }).click()
    await page.getByRole('heading', { name: 'Seen by a viewer' }).waitFor()
    for (const name of [
      'Create write key',
      'Rename',
      'Edit rules',
      'Rotate key',
      'Revoke',
      'Delete',
      'End now',
    ]) {
      expect(await page.getByRole('button', { name }).count()).toBe(0)
    }
    expect(complaints).toEqual([])
    const status = await page.evaluate(
      async ([token, id]) => {
        const path = `/ops/eu/api/v1/events/write-keys/${id}/revoke`
        return (await fetch(path, { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status
      },
      [viewerToken, writeKey.id],
    )
    expect(status).toBe(403)
    await context.close()
  })

  it('asks before a secret that was not copied is lost, and forgets it then', async () => {
    const { page, context } = await openPage(at.browser)
    const asked: string[] = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.type())
      void dialog.accept()
    })
    await signIn(page, at.server.url)
    const leave = {
      reload: () => page.reload(),
      back: async () => {
        await page.evaluate(() => history.back())
        await page.getByRole('button', { name: 'Stay here' }).click()
        expect(await page.locator('#secret').count()).toBe(1)
        await page.evaluate(() => history.back())
        await page.getByRole('button', { name: 'Close without copying' }).click()
      },
      Escape: async () => {
        await page.keyboard.press('Escape')
        await page.getByRole('button', { name: 'Close without copying' }).click()
      },
    }
    for (const [way, go] of Object.entries(leave)) {
      await page.getByRole('link', { name: 'Audit log' }).click()
      await page.getByRole('link', { name: 'Write keys', exact: true }).click()
      await page.getByRole('button', { name: 'Create write key' }).click()
      await page.getByLabel('Name', { exact: true }).fill(`Left by ${way}`)
      await page.getByLabel('Which origins').selectOption('any')
      await page.getByRole('button', { name: 'Create', exact: true }).click()
      const secret = (await page.locator('#secret').textContent()) as string
      expect(secret).toMatch(/^sk_live_/)
      await go()
      await page.locator('#secret').waitFor({ state: 'detached' })
      const left = await page.evaluate(
        () => document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage }) + location.href,
      )
      expect(left).not.toContain(secret)
    }
    expect(asked).toEqual(['beforeunload'])
    await context.close()
  }, 30_000)

  it('shows 100 hostile names and origins as text', async () => {
    const { page, context, complaints } = await openPage(at.browser)
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    const ids: string[] = []
    for (const name of hostileTexts) {
      const { writeKey, key } = await at.server.keys.create({
        name,
        sourceType: 'web',
        allowedEventNames: [name, 'x*'],
      })
      ids.push(writeKey.id)
      // Header fields hold bytes: what is beyond Latin-1 is sent as a browser would never do, and must not be a program either.
      await at.server.keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, origin: name },
        body: { event: name },
      })
    }
    await signIn(page, at.server.url)
    await page.getByText(/^\d+ keys$/).waitFor()
    const shown: string[] = []
    let turn = 1
    for (;;) {
      shown.push(...(await page.locator('td.name > a bdi').allTextContents()))
      const next = page.getByRole('button', { name: 'Next' })
      if (await next.isDisabled()) break
      await next.click()
      await page.getByText(`Page ${++turn} of`).waitFor()
      await page.locator('td.name').first().waitFor()
    }
    expect(hostileTexts.filter((name) => !shown.includes(name))).toEqual([])

    await page.goto(`${at.server.url}#/keys/${ids[0]}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Debugger' }).first().click()
    await page.locator('.decisions li').nth(40).waitFor()
    await page.getByRole('link', { name: 'Audit log' }).click()
    await page.locator('.audit li').nth(40).waitFor()
    const injected = await page.evaluate(() => ({
      elements: document.querySelectorAll('#app img, #app iframe, #app script, #app object, #app style')
        .length,
      ran: 'hacked' in window,
    }))
    expect({ ...injected, dialogs, complaints }).toEqual({
      elements: 0,
      ran: false,
      dialogs: [],
      complaints: [],
    })
    await context.close()
    // Each waits a lease; ten wait together.
    while (ids.length > 0) await Promise.all(ids.splice(0, 10).map((id) => at.server.keys.remove(id)))
  }, 60_000)

  it.each(screens)(
    'shows decisions as they come, in plain words, and filters them %s',
    async (_, options) => {
      const web = await at.server.keys.create({
        name: 'Watched',
        sourceType: 'web',
        allowedOrigins: ['https://app.example.com'],
      })
      const staging = await at.server.keys.create({
        name: 'Elsewhere',
        sourceType: 'web',
        environment: 'staging',
      })
      const { page, context, complaints } = await openPage(at.browser, options)
      await signIn(page, at.server.url)
      await page.getByRole('link', { name: 'Debugger' }).click()
      await page.getByText('Live', { exact: true }).waitFor()
      await at.server.send(web.key, '/v1/track', { event: 'Bought' }, { origin: 'https://app.example.com' })
      const first = page.locator('.decisions li').first()
      await first.filter({ hasText: 'Bought' }).filter({ hasText: 'https://app.example.com' }).waitFor()
      await at.server.send(staging.key, '/v1/track', { event: 'Lost' })
      await first.filter({ hasText: 'The key belongs to another environment' }).waitFor()
      for (let count = 0; count < 3; count++) {
        await at.server.send(web.key, '/v1/track', { event: 'Copied' }, { origin: 'https://copycat.example' })
      }
      await first.filter({ hasText: '3 times' }).waitFor()
      await expectAccessible(page)

      await page.getByLabel('Outcome').selectOption('accepted')
      await page.getByText('Bought').first().waitFor()
      await page.locator('.pill.refused').first().waitFor({ state: 'detached' })
      await page.getByLabel('Outcome').selectOption('refused')
      await page.getByLabel('Key', { exact: true }).fill(staging.writeKey.name)
      await page.locator(`#keys-found option[value="${staging.writeKey.id}"]`).waitFor({ state: 'attached' })
      await page.getByLabel('Key', { exact: true }).fill(staging.writeKey.id)
      await page.locator('.decisions li').nth(1).waitFor({ state: 'detached' })
      await first.filter({ hasText: 'another environment' }).waitFor()
      expect(page.url()).toContain(`key_id=${staging.writeKey.id}`)
      await page.getByRole('button', { name: 'Pause' }).click()
      await at.server.send(staging.key, '/v1/track', { event: 'Held back' })
      await page.getByText('Paused · 1 new').waitFor()
      await page.getByRole('button', { name: 'Clear', exact: true }).click()
      await page.getByText('Waiting for events').waitFor()

      await page.getByRole('link', { name: 'Anomalies' }).click()
      await page
        .locator('.anomaly')
        .filter({ hasText: 'Refusals from an unseen origin' })
        .filter({ hasText: 'https://copycat.example' })
        .filter({ hasText: 'Watched' })
        .first()
        .waitFor()
      await expectAccessible(page)
      expect(complaints).toEqual([])
      await context.close()
    },
    30_000,
  )

  it('shows both versions when somebody was faster, and saves what was changed alone', async () => {
    const { writeKey } = await at.server.keys.create({ name: 'Two people', sourceType: 'other' })
    const { page, context } = await openPage(at.browser)
    await page.clock.install()
    await signIn(page, at.server.url)
    await page.getByRole('link', { name: 'Two people' }).click()
    await page.getByRole('button', { name: 'Edit rules' }).click()
    await page.getByLabel('Which limit').selectOption('own')
    await page.getByLabel('Rate limit').fill('7')
    await at.server.keys.update(writeKey.id, { allowedEventTypes: ['track'] })
    // The page behind the form reads the key again meanwhile: the form keeps what it was opened with.
    const isReadAgain = page.waitForResponse((answer) => answer.url().endsWith(writeKey.id))
    await page.clock.fastForward(16_000)
    await isReadAgain
    const save = async () => {
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('button', { name: 'Save changes' }).click()
    }
    await save()
    const versions = page.locator('table.versions')
    await versions.filter({ hasText: 'track' }).filter({ hasText: '7 events per second' }).waitFor()
    expect(await at.server.keys.get(writeKey.id)).toMatchObject({
      rateLimitEps: null,
      allowedEventTypes: ['track'],
    })
    await page.getByRole('button', { name: 'Keep my changes on top' }).click()
    await save()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await at.server.keys.get(writeKey.id)).toMatchObject({
      rateLimitEps: 7,
      allowedEventTypes: ['track'],
    })

    await page.getByRole('button', { name: 'Edit rules' }).click()
    await page.getByLabel('Rate limit').fill('8')
    await at.server.keys.revoke(writeKey.id)
    await save()
    await page.getByText('The key is now revoked').waitFor()
    await page.getByRole('button', { name: 'Load the stored version' }).click()
    expect(await at.server.keys.get(writeKey.id)).toMatchObject({ status: 'revoked', rateLimitEps: 7 })
    await context.close()
  }, 60_000)

  it('takes no emptied list for "no rule", and says so at the field', async () => {
    const rules = {
      allowedOrigins: ['https://app.example.com'],
      allowedEventNames: ['a'],
      allowedIps: ['10.0.0.0/8'],
      deniedIps: ['10.1.0.0/16'],
      allowedEventTypes: ['track'],
    }
    const { writeKey } = await at.server.keys.create({ name: 'Emptied', sourceType: 'web', ...rules })
    const { page, context } = await openPage(at.browser, { viewport: { width: 1000, height: 420 } })
    await signIn(page, at.server.url)
    await page.getByRole('link', { name: 'Emptied' }).click()
    await page.getByRole('button', { name: 'Edit rules' }).click()
    await page.getByText('More rules').click()
    const fields = [
      'Origins, one per line',
      'Allowed event names, one per line',
      'Allowed addresses, one per line',
      'Denied addresses, one per line',
    ]
    for (const label of fields) {
      const field = page.getByLabel(label)
      const before = await field.inputValue()
      await field.fill(' \n')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('alert').filter({ hasText: 'Name at least one' }).waitFor()
      expect(await field.evaluate((element) => element === document.activeElement)).toBe(true)
      expect(await field.evaluate((element) => element.getBoundingClientRect().top)).toBeLessThan(420)
      await field.fill(before)
    }
    await page.getByLabel('track', { exact: true }).uncheck()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Choose at least one event type').waitFor()
    expect(await at.server.keys.get(writeKey.id)).toMatchObject(rules)
    await page.getByLabel('track', { exact: true }).check()
    await page.getByLabel('Which origins').selectOption('any')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('any site may then use the key').waitFor()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await at.server.keys.get(writeKey.id)).toMatchObject({ ...rules, allowedOrigins: null })
    await context.close()
  }, 30_000)

  it('searches, filters and sorts the list', async () => {
    const names = ['Zeta', 'Alpha', 'Mid']
    for (const name of names) await at.server.keys.create({ name: `Sorted ${name}`, sourceType: 'mobile' })
    const { page, context, complaints } = await openPage(at.browser)
    await signIn(page, at.server.url)
    const rows = () => page.locator('td.name > a bdi').allTextContents()
    await page.getByRole('searchbox').fill('sorted')
    await page.getByText('3 keys').waitFor()
    await page.getByRole('button', { name: 'Name' }).click()
    await expect.poll(rows).toEqual(['Sorted Alpha', 'Sorted Mid', 'Sorted Zeta'])
    await page.getByRole('button', { name: 'Name' }).click()
    await expect.poll(rows).toEqual(['Sorted Zeta', 'Sorted Mid', 'Sorted Alpha'])
    const told = new URLSearchParams(page.url().split('?')[1])
    expect(Object.fromEntries(told)).toEqual({ sort: '-name', q: 'sorted' })
    await page.getByLabel('Source type').selectOption('web')
    await page.getByText('No key fits').waitFor()
    await page.getByLabel('Source type').selectOption('mobile')
    await page.getByLabel('Status').selectOption('revoked')
    await page.getByText('No key fits').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })
})
