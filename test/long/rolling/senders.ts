import { randomInt } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSecret } from '../../../src/keys/secret.ts'
import type { Fleet, Member } from './fleet.ts'

/** How one request was answered: the status, or that nobody answered. */
type Answer = number | 'no answer'

export type Tally = Record<string, number>

/** What senders have sent until it was acknowledged. */
export interface Sending {
  readonly names: string[]
  /** Requests without an answer: each may have been handled, and is sent again. */
  unanswered: number
  readonly answers: Tally
}

export const createSending = (): Sending => ({ names: [], unanswered: 0, answers: {} })

const add = (tally: Tally, name: Answer) => {
  tally[name] = (tally[name] ?? 0) + 1
}

interface Post {
  secret: string
  body: string
  from: string
  /** Sends the body in that many pieces, a second apart. */
  pieces?: number
  /** Goes away before the last piece. */
  leaves?: boolean
}

export function post(member: Member, { secret, body, from, pieces = 1, leaves }: Post): Promise<Answer> {
  const headers = {
    authorization: `Basic ${btoa(`${secret}:`)}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-forwarded-for': from,
  }
  return new Promise((resolve) => {
    const asked = request({
      port: member.port,
      host: '127.0.0.1',
      path: '/v1/track',
      method: 'POST',
      headers,
      // A slow sender, and one that leaves, has a connection of its own.
      agent: pieces === 1 ? member.agent : false,
    })
    asked.once('error', () => resolve('no answer'))
    asked.once('response', (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode as number))
      response.once('error', () => resolve('no answer'))
    })
    void sendPieces()
    async function sendPieces() {
      const size = Math.ceil(body.length / pieces)
      for (let at = 0; at < body.length; at += size) {
        if (at > 0) await sleep(1_000)
        const isLast = at + size >= body.length
        if (isLast && leaves) return void asked.destroy()
        asked.write(body.slice(at, at + size))
      }
      asked.end()
    }
  })
}

export interface Sender {
  name: string
  secret: string
  from: string
  pauseMs: number
  pieces?: number
  isOver: () => boolean
}

/** One request after the other, each until it is acknowledged; every eighth has ten events. */
export async function sendAll(fleet: Fleet, sender: Sender, sending: Sending): Promise<void> {
  const { name, isOver, pauseMs, ...post_ } = sender
  for (let number = 0; !isOver(); number++) {
    const names = Array.from(
      { length: number % 8 === 7 ? 10 : 1 },
      (_, index) => `${name}-${number}-${index}`,
    )
    const events = names.map((event) => ({ type: 'track', event }))
    const body = JSON.stringify(events.length === 1 ? events[0] : { batch: events })
    if (sender.pieces !== undefined && number % 3 === 0)
      await post(fleet.next(), { ...post_, body: JSON.stringify({ event: 'left' }), leaves: true })
    for (;;) {
      const answer = await post(fleet.next(), { ...post_, body })
      add(sending.answers, answer)
      if (answer === 200) break
      if (answer === 'no answer') sending.unanswered++
      await sleep(100)
    }
    sending.names.push(...names)
    await sleep(pauseMs)
  }
}

/** Wrong keys, well-formed and not, from everywhere. */
export async function flood(fleet: Fleet, durationMs: number, perSecond: number): Promise<Tally> {
  const answers: Tally = {}
  const sent: Promise<void>[] = []
  const endsAt = performance.now() + durationMs
  while (performance.now() < endsAt) {
    const secret = randomInt(4) === 0 ? `sk_live_${randomInt(1e9)}` : generateSecret('sk_live_')
    const from = `10.${randomInt(60)}.${randomInt(256)}.7`
    const body = JSON.stringify({ type: 'track', event: 'wrong' })
    sent.push(post(fleet.next(), { secret, from, body }).then((answer) => add(answers, answer)))
    await sleep(1_000 / perSecond)
  }
  await Promise.all(sent)
  return answers
}
