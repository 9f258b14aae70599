import { expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { describeWithService } from '../services.ts'
import { expectAccessible, openPage, screens, signIn } from './browser.ts'
import { useServedPage } from './served-page.ts'

describeWithService('chromium', 'importing keys at the page', (chromiumPath) => {
  const at = useServedPage(chromiumPath)

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
