import { randomInt } from 'node:crypto'
import { postRequest } from '../../bench/load.ts'
import { generateSecret } from '../../src/keys/secret.ts'

/** A key that senders know, and the addresses they send from. */
interface LivingKey {
  id: string
  key: string
  senders: readonly string[]
}

const adminPath = '/api/v1/events/write-keys'
const keptDead = 100
/** More unknown keys than the budget for them would have good ones refused as well, while they are not cached. */
const unknownEveryMs = 50

/** Keys that come and go over the management API, and requests from whoever knows, knew or never knew one. */
export function createTraffic(port: number, token: string, target: number) {
  const living: LivingKey[] = []
  /** Secrets that were rotated out, revoked or removed, latest last. */
  const dead: string[] = []
  let unknownAt = 0
  const changes = { created: 0, rotated: 0, updated: 0, revoked: 0, removed: 0 }

  async function manage<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${port}${adminPath}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text === '' ? 'null' : text)
  }

  async function create(): Promise<void> {
    const number = ++changes.created
    const { id, key } = await manage<{ id: string; key: string }>('POST', '', {
      name: `Key ${number}`,
      source_type: 'web',
      // Every eighth key is asked for more than it may send.
      rate_limit_eps: number % 8 === 0 ? 5 : 100_000,
      allowed_event_types: ['track', 'page'],
      allowed_origins: ['https://app.example.com', 'https://*.example.net'],
      denied_ips: ['192.0.2.0/24'],
    })
    living.push({ id, key, senders: Array.from({ length: 4 }, randomAddress) })
  }

  /** Rotates, changes or ends a key; a new one follows one that ended. */
  async function change(): Promise<void> {
    const one = living[randomInt(living.length)] as LivingKey
    const choice = randomInt(4)
    if (choice === 0) {
      await manage('PATCH', `/${one.id}`, { allowed_event_names: [`Order *`, `Step ${randomInt(1e6)}`] })
      changes.updated++
    } else if (choice === 1) {
      bury(one.key)
      const { key } = await manage<{ key: string }>('POST', `/${one.id}/rotate`, {
        grace_period_hours: randomInt(2),
      })
      one.key = key
      changes.rotated++
    } else {
      living.splice(living.indexOf(one), 1)
      if (choice === 2) {
        await manage('POST', `/${one.id}/revoke`)
        changes.revoked++
      }
      await manage('DELETE', `/${one.id}`)
      changes.removed++
      bury(one.key)
      await create()
    }
  }

  function bury(secret: string): void {
    dead.push(secret)
    if (dead.length > keptDead) dead.shift()
  }

  /** The next request. What most of them ask is allowed. */
  function next(): Buffer {
    const { key, senders } = living[randomInt(living.length)] as LivingKey
    const sender = randomInt(50) === 0 ? randomAddress() : (senders[randomInt(senders.length)] as string)
    const event = { type: 'track', event: 'Order Completed', userId: `user-${randomInt(1e6)}` }
    const now = performance.now()
    if (now >= unknownAt) {
      unknownAt = now + unknownEveryMs
      const gone = randomInt(2) === 0 ? dead[randomInt(Math.max(1, dead.length))] : undefined
      return post(gone ?? generateSecret('sk_live_'), randomAddress(), event)
    }
    switch (randomInt(20)) {
      case 0:
        return post(key, sender, { batch: Array.from({ length: 20 }, () => event) })
      case 1:
        return post(`sk_live_${randomInt(1e12)}`, randomAddress(), event)
      case 2:
        return post(key, sender, { ...event, event: `Unwanted ${randomInt(1e6)}`, type: 'identify' })
      case 3:
        return post(key, sender, event, `https://s${randomInt(20)}.example.org`)
      case 4:
        return post(key, sender, '{"type":"track"')
      default:
        return post(key, sender, event, `https://s${randomInt(5)}.example.net`)
    }
  }

  async function fill(): Promise<void> {
    while (living.length < target) await create()
  }

  return { fill, change, next, changes }
}

function post(
  key: string,
  address: string,
  body: object | string,
  origin = 'https://app.example.com',
): Buffer {
  return postRequest(
    '/v1/batch',
    {
      authorization: `Basic ${btoa(`${key}:`)}`,
      'content-type': 'application/json',
      'x-forwarded-for': address,
      origin,
    },
    typeof body === 'string' ? body : JSON.stringify(body),
  )
}

function randomAddress(): string {
  return `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`
}
