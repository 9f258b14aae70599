import type { INestApplication } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { createWriteKeys } from 'writekey'
import { WriteKeysService } from 'writekey/nestjs'
import { AppModule, Sources } from './app.module'

describe('an app tested with Jest', () => {
  let app: INestApplication
  let url: string
  let key: string

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile()
    app = module.createNestApplication({ logger: false })
    await app.listen(0, '127.0.0.1')
    url = `${await app.getUrl()}/v1/track`
    key = await app.get(Sources).create()
  })
  afterAll(() => app.close())

  const send = (presented: string, headers = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${presented}:`)}`, 'content-type': 'text/plain', ...headers },
      body: '{"type":"track"}',
    })

  it('accepts events, whatever their content type', async () => {
    const answer = await send(key)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ events: 1 })
  })

  it('refuses a wrong key as a problem', async () => {
    const answer = await send(`${key}x`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  })

  it('answers preflights', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
    expect((await fetch(url, { method: 'OPTIONS', headers })).status).toBe(204)
  })

  it('gives out the keys of this package and no copy of it', () => {
    expect(Object.keys(app.get(WriteKeysService))).toEqual(Object.keys(createWriteKeys()))
  })
})
