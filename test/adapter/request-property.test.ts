import { expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { createWriteKeys } from '../../src/index.ts'

it.each(['url', 'on', 'method', 'headers', 'body', 'rawBody', 'socket', 'params', '_events', '__proto__'])(
  'requestProperty may not be %s, which others use',
  (requestProperty) => {
    const keys = createWriteKeys()
    onTestFinished(() => keys.close())
    expect(() => writeKeyAuth(keys, { requestProperty })).toThrow(/^requestProperty must be the name/)
    for (const free of ['writeKey', 'sender', 'auth', 'user', 'urls'])
      expect(() => writeKeyAuth(keys, { requestProperty: free })).not.toThrow()
  },
)

it('a change without an id says that none was given', async () => {
  const keys = createWriteKeys()
  onTestFinished(() => keys.close())
  const { id } = (await keys.create({ name: 'Sender', sourceType: 'web' })) as never as { id: string }
  await expect(keys.rotate(id)).rejects.toThrow(/^No id was given/)
  await expect(keys.revoke('other')).rejects.toThrow(/^There is no write key/)
})
