import { describe, expect, it } from 'vitest'
import { openShell } from './shell.ts'

const adminToken = 'a-management-token-of-this-test-alone'

async function setUp() {
  const shell = openShell()
  const { key, id } = await shell.runJson(['create', '--name', 'Shop', '--source-type', 'web'])
  const { server } = await shell.serve({ WRITEKEY_ADMIN_TOKEN: adminToken })
  const send = async (secret: string, event: string) =>
    (
      await fetch(`${server.url}/v1/track`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${secret}:`)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event }),
      })
    ).status
  return { ...shell, id, key, server, url: server.url, send }
}

describe('writekey tail', () => {
  it('shows what a server decides, from the store', async () => {
    const { tail, send, key, id } = await setUp()
    const all = await tail([])
    const refused = await tail(['--refused', '--json'])
    expect([all.code, refused.code]).toEqual([0, 0])
    expect(await send(key, 'Signed Up')).toBe(200)
    expect(await send('sk_live_mistyped', 'Signed Up')).toBe(401)
    await expect.poll(() => all.read().out, { timeout: 15_000 }).toMatch(/200 accepted .*Shop \(production/)
    await expect.poll(() => refused.read().out, { timeout: 15_000 }).toContain('malformed_key')
    const lines = refused.read().out.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).reason)).toEqual(['malformed_key'])
    expect(all.read().out).not.toContain(key)
    expect(id).toMatch(/^wk_/)
  })

  it('shows it from the management API, of one key', async () => {
    const { tail, send, key, id, url } = await setUp()
    const followed = await tail(['--api', url, '--token', adminToken, '--key', id])
    await send('sk_live_mistyped', 'Not Shown')
    await send(key, 'Signed Up')
    await expect.poll(() => followed.read().out, { timeout: 15_000 }).toContain('track "Signed Up"')
    expect(followed.read().out).not.toContain('malformed_key')
  })

  it('goes on when the server has been restarted', async () => {
    const { tail, send, key, url, server, serve } = await setUp()
    const followed = await tail(['--api', url, '--token', adminToken])
    await send(key, 'Before')
    await expect.poll(() => followed.read().out, { timeout: 15_000 }).toContain('"Before"')
    await server.stop()
    const again = await serve({ WRITEKEY_ADMIN_TOKEN: adminToken, PORT: new URL(url).port })
    expect(again.server.url).toBe(url)
    await send(key, 'After')
    await expect.poll(() => followed.read().out, { timeout: 15_000 }).toContain('"After"')
    const { out } = followed.read()
    for (const event of ['"Before"', '"After"']) expect(out.split(event)).toHaveLength(2)
  })

  it('says why it cannot', async () => {
    const { tail, url, run } = await setUp()
    expect((await tail(['--api', url])).read().err).toContain('WRITEKEY_TOKEN')
    const wrong = await tail(['--api', url, '--token', 'x'.repeat(40)])
    expect([wrong.code, wrong.read().err]).toEqual([
      1,
      expect.stringContaining('does not know this management token'),
    ])
    expect((await tail(['--api', 'http://127.0.0.1:1', '--token', 'x'])).code).toBe(3)
    const mistyped = await tail(['--key', 'wk_0123456789abcdef'])
    expect([mistyped.code, mistyped.read().err]).toEqual([
      1,
      expect.stringContaining('no write key with this id'),
    ])
    expect((await run(['tial'])).err).toContain('Did you mean: writekey tail?')
    expect((await run(['tail', '--refsued'])).err).toContain('did you mean --refused')
  })
})
