import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { readPageAssets } from '../../src/admin/page/page-assets.ts'
import { ensurePageBuilt } from './built-page.ts'

it('the page takes less than 90 kB on its way, and asks nobody else for anything', async () => {
  await ensurePageBuilt()
  const assets = readPageAssets()
  const contents = [assets?.script.content ?? '', assets?.style.content ?? '']
  expect(contents.every((content) => content.length > 1_000)).toBe(true)
  expect(contents.reduce((bytes, content) => bytes + gzipSync(content).length, 0)).toBeLessThan(90_000)
  // What looks like an address is a name space or stands in an example.
  const hosts = new Set(contents.join('\n').match(/\bhttps?:\/\/[\w.*-]+/g))
  for (const known of ['http://www.w3.org', 'https://app.example.com', 'https://*.example.com'])
    hosts.delete(known)
  expect([...hosts].filter((host) => !/^http:\/\/(localhost|127\.)/.test(host))).toEqual([])
})
