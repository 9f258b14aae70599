import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { garbageCollector } from '../garbage-collector.ts'

const megabyte = 1_048_576

describe('a compressed body that inflates to 200 MB', () => {
  const bomb = Buffer.alloc(200 * megabyte, 32)

  it.each([
    ['gzip', 30, gzipSync],
    ['deflate', 30, deflateSync],
    [
      // A decoder has a window as large as the sender asks for, and four may be at work.
      'br',
      64,
      (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    ],
  ])('in %s is refused with 413, and takes less than %d MB', async (coding, mostMegabytes, compress) => {
    const body = new Uint8Array(compress(bomb))
    const keys = createWriteKeys({ maxBodyBytes: 512_000 })
    const { key } = await keys.create({ name: 'Good', sourceType: 'web' })
    const collect = garbageCollector()
    let handled = 0
    const app = express().use('/v1', writeKeyAuth(keys), () => handled++)
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/track`
    const send = (content: Uint8Array<ArrayBuffer> = body) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization: basic(key), 'content-encoding': coding },
        body: content,
      })
    // The first requests pay for code and a heap that later ones use again.
    const harmless = new Uint8Array(compress(Buffer.from('{')))
    for (let count = 0; count < 20; count++) expect((await send(harmless)).status).toBe(400)
    collect()
    const before = process.memoryUsage().rss
    let most = before
    const sampling = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 1)
    for (let count = 0; count < 5; count++) {
      const response = await send()
      expect(response.status).toBe(413)
      expect(await response.json()).toMatchObject({ code: 'payload_too_large' })
    }
    clearInterval(sampling)
    expect(most - before).toBeLessThan(mostMegabytes * megabyte)
    expect(handled).toBe(0)
    server.closeAllConnections()
    server.close()
    await keys.close()
  })
})
