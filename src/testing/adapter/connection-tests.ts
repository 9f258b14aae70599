import { once } from 'node:events'
import { setImmediate as tick } from 'node:timers/promises'
import type { Refused, WriteKeyEvent, WriteKeys } from '../../index.ts'
import type { AdapterSuite } from './adapter-suite.ts'
import { signedUp } from './golden/answers.ts'
import { basic } from './golden/golden-request.ts'
import { createAnswerReader, openSocket, sendRaw, toWire } from './raw-http.ts'

/**
 * The part of the adapter contract about connections: what clients do on them, and whether they stay open.
 */
export function connectionTests({
  test,
  expect,
  launchWithKey,
  track,
  trackBody,
  continuesLate,
}: AdapterSuite): void {
  test('never mixes up the answers to pipelined requests', async () => {
    const { url, key, handled } = await launchWithKey()
    const socket = await openSocket(url)
    const readAnswer = createAnswerReader(socket)
    const get = (authorization: string) =>
      toWire('GET /v1/track HTTP/1.1', ['Host: localhost', `Authorization: ${authorization}`])
    socket.write(
      Buffer.concat(
        Array.from({ length: 100 }, () => [get(basic(key)), get(basic('sk_live_nonsense'))]).flat(),
      ),
    )
    const statuses: number[] = []
    for (let count = 0; count < 200; count++) statuses.push((await readAnswer()).status)
    socket.destroy()
    expect(statuses).toEqual(Array.from({ length: 100 }, () => [200, 401]).flat())
    expect(handled().length).toBe(100)
  })

  for (const [what, line] of [
    ['a folded header', 'Authorization: Basic\r\n AAAA'],
    ['a space before the colon', 'Authorization : Basic AAAA'],
    ['a bare LF in a value', 'Authorization: Basic\nAAAA'],
    ['a bare CR in a value', 'Authorization: Basic\rAAAA'],
    ['a NUL in a value', 'Authorization: Basic \0AAAA'],
    ['17 KB of headers', `Authorization: Basic ${'A'.repeat(17_000)}`],
    ['two content lengths', 'Content-Length: 3'],
    ['a negative content length', 'Content-Length: -1'],
    ['a length beside a transfer coding', 'Transfer-Encoding: chunked'],
  ] as const)
    test(`leaves ${what} to the server to refuse`, async () => {
      const { url, key, handled } = await launchWithKey()
      const smuggled = toWire('POST /v1/track HTTP/1.1', ['Host: localhost', 'Content-Length: 2', line], '{}')
      const { status } = await sendRaw(url, smuggled)
      expect([400, 401, 431].includes(status)).toBe(true)
      expect(handled()).toEqual([])
      expect((await sendRaw(url, track(key))).status).toBe(200)
    })

  for (const when of ['half of its body has come', 'none of its body has come'])
    test(`does not run the handler when the client leaves while ${when}`, async () => {
      const events: WriteKeyEvent[] = []
      const refused: Refused[] = []
      const { url, key, keys, keyId, handled } = await launchWithKey({
        options: { onEvent: (event) => events.push(event) },
        adapter: { onRefused: (refusal) => refused.push(refusal) },
      })
      const bytes = track(key)
      const socket = await openSocket(url)
      socket.write(bytes.subarray(0, when.startsWith('half') ? -20 : -trackBody.length))
      await new Promise((resolve) => setTimeout(resolve, 30))
      socket.destroy()
      await waitFor(() => events.length > 0)
      expect(events).toMatchObject([{ type: 'refused', reason: 'client_aborted', keyId }])
      expect(refused).toEqual([])
      expect(handled()).toEqual([])
      expect((await sendRaw(url, bytes)).status).toBe(200)
      // It was refused nothing.
      expect(await keys.usage(keyId)).toMatchObject({ acceptedTotal: 1, refusedTotal: 0 })
    })

  for (const [what, end] of [
    ['revoked', (keys: WriteKeys, id: string) => keys.revoke(id)],
    ['removed', (keys: WriteKeys, id: string) => keys.remove(id)],
  ] as const)
    test(`starts no handler for a key that was ${what} while its body arrived`, async () => {
      const { url, key, keyId, keys, handled } = await launchWithKey()
      const half = Math.floor(trackBody.length / 2)
      const socket = await openSocket(url)
      try {
        socket.write(
          toWire(
            'POST /v1/track HTTP/1.1',
            ['Host: x', `Authorization: ${basic(key)}`, `Content-Length: ${trackBody.length}`],
            trackBody.slice(0, half),
          ),
        )
        // Until the server has begun to read.
        await new Promise((resolve) => setTimeout(resolve, 50))
        await end(keys, keyId)
        socket.write(trackBody.slice(half))
        expect((await createAnswerReader(socket)()).status).toBe(401)
      } finally {
        socket.destroy()
      }
      expect(handled()).toEqual([])
    })

  test('does not ask for a key in a body that the client has cut off', async () => {
    const events: WriteKeyEvent[] = []
    const { url, key, handled } = await launchWithKey({
      options: { credentials: 'body', onEvent: (event) => events.push(event) },
    })
    const body = JSON.stringify({ ...signedUp, writeKey: key })
    const socket = await openSocket(url)
    socket.write(toWire('POST /v1/track HTTP/1.1', ['Host: localhost', `Content-Length: ${body.length}`]))
    socket.write(body.slice(0, -5))
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await waitFor(() => events.length > 0)
    expect(events).toMatchObject([{ type: 'refused', reason: 'client_aborted' }])
    expect(Reflect.has(events[0] as object, 'keyId')).toBe(false)
    expect(handled()).toEqual([])
  })

  test('answers a body cut off by its chunked framing with 400 or not at all', async () => {
    const { url, key, handled } = await launchWithKey()
    const head = ['Host: localhost', `Authorization: ${basic(key)}`, 'Transfer-Encoding: chunked']
    const status = await sendRaw(url, toWire('POST /v1/track HTTP/1.1', head, 'zz\r\n{}\r\n0\r\n\r\n')).then(
      (answer) => answer.status,
      () => 'none',
    )
    expect([400, 'none'].includes(status)).toBe(true)
    expect(handled()).toEqual([])
  })

  test('serves 200 refused requests, whose bodies come late, on one connection', async () => {
    const { url, key, handled } = await launchWithKey()
    const socket = await openSocket(url)
    // Without this, the system would wait 40 ms to send several small pieces together.
    socket.setNoDelay(true)
    const readAnswer = createAnswerReader(socket)
    const bytes = track('sk_live_nonsense')
    for (let count = 0; count < 200; count++) {
      socket.write(bytes.subarray(0, -trackBody.length))
      const { status, headers } = await readAnswer()
      expect(status).toBe(401)
      expect(headers.connection === 'close').toBe(false)
      socket.write(trackBody)
    }
    socket.write(track(key))
    expect((await readAnswer()).status).toBe(200)
    expect(handled().length).toBe(1)
    socket.destroy()
  })

  test('keeps the connection of a refused client that has been told to continue', async () => {
    const { url, key } = await launchWithKey()
    const socket = await openSocket(url)
    const readAnswer = createAnswerReader(socket)
    socket.write(track('sk_live_nonsense', ['Expect: 100-continue']))
    const { status, headers } = await readAnswer()
    expect(status).toBe(401)
    if (continuesLate) expect(headers.connection).toBe('close')
    else {
      expect(headers.connection === 'close').toBe(false)
      socket.write(track(key))
      expect((await readAnswer()).status).toBe(200)
    }
    socket.destroy()
  })

  test('answers a sender that sends all of a body that is too large before it reads', async () => {
    const { url, key, handled } = await launchWithKey({ options: { maxBodyBytes: 100_000 } })
    const socket = await openSocket(url)
    let isClosing = false
    const answer = createAnswerReader(socket)()
    const answered = answer.then(
      ({ headers }) => {
        isClosing = headers.connection === 'close'
      },
      () => {},
    )
    const writable = () =>
      new Promise<void>((resolve) => {
        for (const event of ['drain', 'close']) socket.once(event, resolve)
      })
    const head = ['Host: localhost', `Authorization: ${basic(key)}`, 'Transfer-Encoding: chunked']
    socket.write(toWire('POST /v1/track HTTP/1.1', head))
    // More than systems keep for a server that does not read. One that answers with the end of the connection need read no more.
    for (let count = 0; count < 16 && !socket.destroyed && !isClosing; count++)
      if (!socket.write(`100000\r\n${' '.repeat(0x10_00_00)}\r\n`)) await Promise.race([writable(), answered])
    if (!isClosing) socket.write('0\r\n\r\n')
    expect((await answer).status).toBe(413)
    socket.destroy()
    expect(handled()).toEqual([])
  })

  test('takes 100 requests at once', async () => {
    const { url, key, handled } = await launchWithKey()
    const answers = await Promise.all(Array.from({ length: 100 }, () => sendRaw(url, track(key))))
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 100 }, () => 200))
    expect(handled().length).toBe(100)
  })

  test('continues a request that waits for 100 Continue', async () => {
    const { url, key, handled } = await launchWithKey()
    const socket = await openSocket(url)
    const readAnswer = createAnswerReader(socket)
    const bytes = track(key, ['Expect: 100-continue'])
    socket.write(bytes.subarray(0, -trackBody.length))
    await once(socket, 'data')
    socket.write(trackBody)
    expect((await readAnswer()).status).toBe(200)
    socket.destroy()
    expect(handled().length).toBe(1)
  })
}

async function waitFor(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error('waited in vain')
    await tick()
  }
}
