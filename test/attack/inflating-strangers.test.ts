import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { createTestKeys } from '../../src/testing/index.ts'

const blank = `{"batch":[{"type":"track"}]${' '.repeat(3_900_000)}}`

it('keeps nobody with a good key waiting behind what strangers have sent to be inflated', async () => {
  const { keys, authorization } = await createTestKeys({ credentials: ['basic', 'body'] })
  const send = (ip: string, body: Buffer, headers: Record<string, string>) =>
    keys.verify({ method: 'POST', path: '/v1/batch', ip, headers, body })
  const bomb = brotliCompressSync(blank)
  let answered = 0
  const strangers = Array.from({ length: 20 }, async (_, index) => {
    const verdict = await send(`2001:db8:${index}::1`, bomb, { 'content-encoding': 'br' })
    answered++
    return verdict.ok ? 200 : verdict.reason
  })
  const batch = Array.from({ length: 500 }, (_, index) => ({ type: 'track', event: `event ${index}` }))
  const good = gzipSync(JSON.stringify({ batch }))
  const verdict = await send('192.0.2.1', good, { authorization, 'content-encoding': 'gzip' })
  expect(verdict.ok).toBe(true)
  // It took a turn of its own, beside at most some of theirs.
  expect(answered).toBeLessThan(10)
  for (const reason of await Promise.all(strangers)) expect(['missing_key', 'busy']).toContain(reason)
  await keys.close()
})

it('keeps no sender of a key that many share waiting behind what another has sent to be inflated', async () => {
  const { keys, authorization } = await createTestKeys()
  const send = async (ip: string, body: Buffer) => {
    const headers = { authorization, 'content-encoding': 'br' }
    const verdict = await keys.verify({ method: 'POST', path: '/v1/batch', ip, headers, body })
    return verdict.ok ? 200 : verdict.reason
  }
  const bomb = brotliCompressSync(Buffer.alloc(20_000_000, ' '))
  let answered = 0
  const crowd = Array.from({ length: 15 }, async () => {
    const reason = await send('2001:db8::1', bomb)
    answered++
    return reason
  })
  const batch = Array.from({ length: 500 }, (_, index) => ({ type: 'track', event: `event ${index}` }))
  const large = send('192.0.2.1', brotliCompressSync(JSON.stringify({ batch })))
  // A small one needs no turn at all.
  expect(await send('2001:db8::1', brotliCompressSync('{"type":"track"}'))).toBe(200)
  expect(answered).toBe(0)
  expect(await large).toBe(200)
  expect(answered).toBeLessThan(6)
  for (const reason of await Promise.all(crowd)) expect(['payload_too_large', 'busy']).toContain(reason)
  await keys.close()
})
