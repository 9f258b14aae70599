import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, screens, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'importing keys at the page', (chromiumPath) => {
  const at = useServedPage(chromiumPath, { maxKeysPerWorkspace: 1 })

  it('checks a file first, names the lines that cannot be, and imports the rest', async () => {
    const { page, complaints } = await openPage(at.browser, (screens[0] as (typeof screens)[number])[1])
    await signIn(page, at.server.url)
    await page.getByRole('button', { name: 'Import keys' }).click()
    const rows = [
      `Old phone,mobile,${generateSecret('old_')}`,
      `Old page,tv,${generateSecret('old_')}`,
      'x,web,short',
    ]
    await page.getByLabel('From a file').setInputFiles({
      name: 'keys.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(['name,source_type,key', ...rows].join('\n')),
    })
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.getByText('1 can be imported, 2 not.').waitFor()
    await page.getByText(/^Line 3: source_type/).waitFor()
    await page.getByText(/^Line 4: key must/).waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Import 1' }).click()
    await page.getByText('1 imported, 2 not.').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row').filter({ hasText: 'Old phone' }).waitFor()
    expect(complaints).toEqual([])
  })

  async function openImport(rows: readonly string[]) {
    const { page, context } = await openPage(at.browser)
    await signIn(page, at.server.url)
    await page.getByRole('button', { name: 'Import keys' }).click()
    await page.getByLabel('Keys', { exact: true }).fill(['name,source_type,key', ...rows].join('\n'))
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    return { page, context, dialog: page.getByRole('dialog') }
  }

  const rowsOf = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name} ${index},web,${generateSecret('old_')}`)

  const there = 'there already (from an earlier attempt, or from before)'

  it.each([
    ['the connection breaks', null],
    ['a proxy answers 502', 502],
  ])(
    'says that it is not known what was imported when %s, and then what is there',
    async (_, status) => {
      const { page, context, dialog } = await openImport([...rowsOf(`Lost ${status}`, 3), 'x,tv,short'])
      await page.getByText('3 can be imported, 1 not.').waitFor()
      let isLost = false
      await page.route(/write-keys\/import$/, async (route) => {
        if (isLost) return route.continue()
        isLost = true
        expect((await route.fetch()).status()).toBe(200)
        return status === null ? route.abort('connectionreset') : route.fulfill({ status, body: '' })
      })
      await dialog.getByRole('button', { name: 'Import 3' }).click()
      await dialog.getByText(/It is not known which keys were imported\. Importing again is safe/).waitFor()
      expect(await dialog.getByText('can be imported').count()).toBe(0)
      await expectAccessible(page)
      await dialog.getByRole('button', { name: 'Close', exact: true }).click()
      await dialog.getByText('Some of these keys may be there already. Throw away what was pasted?').waitFor()
      await page.keyboard.press('Escape')
      await dialog.getByRole('button', { name: 'Import again' }).click()
      await dialog.getByText(`0 imported, 3 ${there}, 1 not.`).waitFor()
      // What has to be mended comes first.
      expect(await dialog.getByRole('listitem').first().textContent()).toMatch(/^Line 5: /)
      await dialog.getByRole('button', { name: 'Done' }).click()
      await page
        .getByRole('row')
        .filter({ hasText: `Lost ${status} 0` })
        .waitFor()
      await context.close()
    },
    40_000,
  )

  it('tells apart what was imported before the answer got lost, and goes on from there', async () => {
    const { page, context, dialog } = await openImport(rowsOf('Many', 1_002))
    await page.getByText('1002 can be imported, 0 not.').waitFor()
    let calls = 0
    await page.route(/write-keys\/import$/, (route) =>
      ++calls === 2 ? route.abort('connectionreset') : route.continue(),
    )
    await dialog.getByRole('button', { name: 'Import 1002' }).click()
    await dialog.getByText('It is not known which keys were imported').waitFor()
    await dialog.getByText('1000 imported, 0 not.').waitFor()
    await dialog.getByRole('button', { name: 'Import again' }).click()
    await dialog.getByText(`2 imported, 1000 ${there}, 0 not.`).waitFor()
    await context.close()
  }, 60_000)

  it('says in the check that a key is there already', async () => {
    const { key } = await at.server.keys.create({ name: 'Here', sourceType: 'web' })
    const { context, dialog } = await openImport([`Again,web,${key}`, ...rowsOf('Fresh', 1)])
    await dialog.getByText(`1 can be imported, 1 ${there}, 0 not.`).waitFor()
    await dialog.getByText(/^Line 2: key exists already/).waitFor()
    await dialog.getByRole('button', { name: 'Import 1' }).waitFor()
    await context.close()
  }, 30_000)

  it('tells lines that repeat an earlier one from those that are there already', async () => {
    const [row, ...rows] = rowsOf('Twice', 1_000) as [string, ...string[]]
    const { page, context, dialog } = await openImport([row, row, ...rows, row])
    await dialog.getByText('1000 can be imported, 2 repeat an earlier line, 0 not.').waitFor()
    await dialog.getByText('Line 3: has the secret of line 2.', { exact: true }).waitFor()
    await dialog.getByText('Line 1003: has the secret of line 2.', { exact: true }).waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Import 1000' }).click()
    await dialog.getByText('1000 imported, 2 repeat an earlier line, 0 not.').waitFor()
    await context.close()
  }, 60_000)

  it('says of each line that its workspace is full, also where it repeats another', async () => {
    const workspace = 'small'
    await at.server.keys.create({ name: 'Only one', sourceType: 'web', workspace })
    const key = generateSecret('old_')
    const line = JSON.stringify({ name: 'Full', source_type: 'web', workspace, key })
    const { page, context, dialog } = await openImport([])
    await dialog.getByLabel('Keys', { exact: true }).fill(`${line}\n${line}`)
    await dialog.getByRole('button', { name: 'Check', exact: true }).click()
    await dialog.getByText('0 can be imported, 2 not.').waitFor()
    await dialog
      .getByText(/^Line 1: The workspace holds as many keys as it may: .*used any more\.$/)
      .waitFor()
    await dialog.getByText(/^Line 2: The workspace holds .*\(It has the secret of line 1\.\)$/).waitFor()
    expect(await page.getByText('there already').count()).toBe(0)
    await context.close()
  }, 30_000)

  it('finds a secret and its hash to be the same, also in calls of their own', async () => {
    const [row, ...rows] = rowsOf('Hashed', 1_000) as [string, ...string[]]
    const key = row.split(',')[2] as string
    const hash = createHash('sha256').update(key).digest('hex').toUpperCase()
    const { context, dialog } = await openImport([])
    const text = [
      'name,source_type,key,key_hash',
      ...[row, ...rows].map((line) => `${line},`),
      `x,web,,${hash}`,
    ]
    await dialog.getByLabel('Keys', { exact: true }).fill(text.join('\n'))
    await dialog.getByRole('button', { name: 'Check', exact: true }).click()
    await dialog.getByText('1000 can be imported, 1 repeat an earlier line, 0 not.').waitFor()
    await dialog.getByText('Line 1002: has the secret of line 2.', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Import 1000' }).click()
    await dialog.getByText('1000 imported, 1 repeat an earlier line, 0 not.').waitFor()
    await context.close()
    expect((await at.server.keys.find(key))?.name).toBe('Hashed 0')
  }, 60_000)

  it('sees in the check the room that its own earlier calls would take', async () => {
    const inWorkspace = (name: string) =>
      JSON.stringify({ name, source_type: 'web', workspace: 'tiny', key: generateSecret('old_') })
    const free = rowsOf('Free', 1_000).map((row) => {
      const [name, source_type, key] = row.split(',')
      return JSON.stringify({ name, source_type, key })
    })
    const { context, dialog } = await openImport([])
    await dialog
      .getByLabel('Keys', { exact: true })
      .fill([inWorkspace('One'), ...free, inWorkspace('Two')].join('\n'))
    await dialog.getByRole('button', { name: 'Check', exact: true }).click()
    await dialog.getByText('1001 can be imported, 1 not.').waitFor()
    await dialog.getByText(/^Line 1002: The workspace holds as many keys/).waitFor()
    await dialog.getByRole('button', { name: 'Import 1001' }).click()
    await dialog.getByText('1001 imported, 1 not.').waitFor()
    await context.close()
  }, 60_000)

  it('says in the check which lines have ended secrets, and what to do', async () => {
    const { page, complaints } = await openPage(at.browser, (screens[0] as (typeof screens)[number])[1])
    await signIn(page, at.server.url)
    const { key, writeKey } = await at.server.keys.create({ name: 'Ended', sourceType: 'web' })
    await at.server.keys.remove(writeKey.id)
    await page.getByRole('button', { name: 'Import keys' }).click()
    await page.getByLabel('Keys', { exact: true }).fill(`name,source_type,key\nAgain,web,${key}`)
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.getByText('0 can be imported, 1 not.').waitFor()
    await page.getByText(/^Line 2: key has ended \(on .*create a key/).waitFor()
    expect(await page.getByRole('button', { name: 'Import 0' }).isDisabled()).toBe(true)
    expect(complaints).toEqual([])
  })
})
