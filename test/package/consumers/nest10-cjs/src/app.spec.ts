import type { INestApplication } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { AppModule } from './app.module'

describe('an app tested with Jest', () => {
  let app: INestApplication
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile()
    app = module.createNestApplication({ logger: false })
    await app.listen(0, '127.0.0.1')
  })
  afterAll(() => app.close())

  it('keeps keys in SQLite', async () => {
    const url = await app.getUrl()
    const headers = { 'content-type': 'application/json' }
    const created = await fetch(`${url}/keys`, { method: 'POST', headers, body: '{"name":"Web"}' })
    const { key, writeKey } = await created.json()
    const authorization = `Basic ${btoa(`${key}:`)}`
    const body = '{"event":"x"}'
    const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers: { authorization }, body })
    expect(await answer.json()).toEqual({ events: 1 })
    const { data } = await (await fetch(`${url}/keys`)).json()
    expect(data).toMatchObject([{ id: writeKey.id, name: 'Web' }])
  })
})
