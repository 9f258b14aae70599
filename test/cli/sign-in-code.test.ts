import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createSignInCode } from '../../src/cli/sign-in-code.ts'

it('a code that was not used within ten minutes is good for nothing', async () => {
  let now = 1_000_000
  const signIn = createSignInCode(() => now)
  const server = createServer((request, response) => {
    if (!signIn.handle(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/api/v1/events/sign-in`
  now += 600_000
  expect((await fetch(url, { method: 'POST', body: signIn.code })).status).toBe(401)
  now -= 1
  expect((await fetch(url, { method: 'GET' })).status).toBe(404)
  expect((await fetch(url, { method: 'POST', body: signIn.code })).status).toBe(200)
})
