import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { createWriteKeys, type KeyStore, type WriteKeys } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

export interface Flood {
  /** Opens the store once more, as another process would. */
  open: () => KeyStore
  /** Well-formed wrong keys a second. */
  wrongPerSecond: number
  /** Networks that they come from, good keys alike. */
  networks: number
  /** Whether the good keys have been used before the flood. */
  isWarm: boolean
  durationMs: number
  /** Moves the clocks of the process past every time that the code remembers anything, this often; default never. */
  leapEveryMs?: number
}

export interface FloodReport {
  good: number
  refused: Record<string, number>
  wrong: number
  lookUpsOfUnknown: number
  budget: number
  stallMs: number
}

const goodKeys = 50
const deletedKeys = 60
/** Uses of a good key a second, all together: one to fifty wrong ones at 640 a second. */
const goodPerSecond = 12.8
const changeEveryMs = 700
const tickMs = 10
/** Beyond the longest time that anything is cached, and the lease. */
const leapMs = 61_000

/** What the budget lets through: of one source, and of all. */
const perSource = { perSecond: 5, burst: 20 }
const inAll = { perSecond: 50, burst: 100 }
/** A look whose answer is thrown away, as a change came between, is asked again. */
const askedAgain = 1.1

/**
 * Sends wrong keys at a steady rate, with good ones from the same addresses, some of which are made, rotated and removed
 * meanwhile by another process.
 */
export async function runFlood(flood: Flood): Promise<FloodReport> {
  const clock = createLeapingClock()
  const manager = createWriteKeys({ store: flood.open() })
  const exists = new Set<string>()
  const good: string[] = []
  const addGood = (secret: string) => {
    exists.add(createHash('sha256').update(secret).digest('hex'))
    good.push(secret)
  }
  const make = async () => manager.create({ name: 'good', sourceType: 'server' })
  const made = await Promise.all(Array.from({ length: goodKeys }, make))
  for (const { key } of made) addGood(key)
  const deleted = await Promise.all(Array.from({ length: deletedKeys }, make))
  await Promise.all(deleted.map(({ writeKey }) => manager.remove(writeKey.id)))

  const { store, counted } = countLookUps(flood.open(), exists)
  const keys = createWriteKeys({ store, clock })
  const report: FloodReport = { good: 0, refused: {}, wrong: 0, lookUpsOfUnknown: 0, budget: 0, stallMs: 0 }
  const address = (index: number) => `198.51.${index % flood.networks}.7`
  const askGood = async (index: number) => {
    const outcome = await ask(keys, good[index % good.length] as string, address(index))
    report.good++
    if (outcome !== 'accepted') report.refused[outcome] = (report.refused[outcome] ?? 0) + 1
  }
  if (flood.isWarm) for (const index of good.keys()) await askGood(index)
  counted.lookUpsOfUnknown = 0

  const wrongKey = (index: number) =>
    index % 3 === 0 ? (deleted[index % deletedKeys]?.key as string) : generateSecret('sk_live_')
  const work: Promise<unknown>[] = []
  let [sentWrong, sentGood, changes, leaps] = [0, 0, 0, 0]
  let lastTick = performance.now()
  const startedAt = lastTick
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now()
      report.stallMs = Math.max(report.stallMs, now - lastTick - tickMs)
      lastTick = now
      const elapsedMs = now - startedAt
      const due = (perSecond: number) => (Math.min(elapsedMs, flood.durationMs) / 1_000) * perSecond
      for (; sentWrong < due(flood.wrongPerSecond); sentWrong++)
        work.push(ask(keys, wrongKey(sentWrong), address(sentWrong)))
      for (; sentGood < due(goodPerSecond); sentGood++) work.push(askGood(sentGood))
      if (elapsedMs > (changes + 1) * changeEveryMs) work.push(change(++changes))
      if (elapsedMs > (leaps + 1) * (flood.leapEveryMs ?? Number.POSITIVE_INFINITY)) {
        leaps++
        clock.leap(leapMs)
      }
      if (elapsedMs < flood.durationMs) return
      clearInterval(timer)
      resolve()
    }, tickMs)
  })

  /** What another process does meanwhile: a new key, a rotation, a new name. Each secret is good from then on. */
  async function change(index: number): Promise<void> {
    const { id } = (made[index % made.length] as (typeof made)[number]).writeKey
    if (index % 3 === 0) addGood((await make()).key)
    else if (index % 3 === 1) await manager.update(id, { name: `renamed ${index}` })
    else await manager.rotate(id).then(({ key }) => addGood(key), ignoreFull)
  }

  await Promise.all(work)
  const seconds = (performance.now() - startedAt) / 1_000
  report.wrong = sentWrong
  report.lookUpsOfUnknown = counted.lookUpsOfUnknown
  const bursts = leaps + 1
  report.budget =
    askedAgain *
    Math.min(
      inAll.burst * bursts + inAll.perSecond * seconds,
      flood.networks * (perSource.burst * bursts + perSource.perSecond * seconds),
    )
  await Promise.all([keys.close(), manager.close()])
  return report
}

/** A process that gets no processor for that long keeps no deadline of its store, flood or not. */
const starvedMs = 300

export function expectHarmless({ good, refused, lookUpsOfUnknown, budget, stallMs }: FloodReport): void {
  const { store_unavailable: late = 0, ...shutOut } = refused
  expect(shutOut).toEqual({})
  if (stallMs < starvedMs) expect(late).toBe(0)
  expect(good).toBeGreaterThan(10)
  expect(lookUpsOfUnknown).toBeGreaterThan(0)
  expect(lookUpsOfUnknown).toBeLessThanOrEqual(budget)
}

async function ask(keys: WriteKeys, secret: string, ip: string): Promise<string> {
  const headers = { authorization: basic(secret) }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers, ip })
  return verdict.ok ? 'accepted' : verdict.reason
}

/** Counts looks for digests that nobody has. */
function countLookUps(inner: KeyStore, exists: ReadonlySet<string>) {
  const counted = { lookUpsOfUnknown: 0 }
  const store: KeyStore = {
    ...inner,
    poll(question) {
      if (question.keyHash !== undefined && !exists.has(question.keyHash)) counted.lookUpsOfUnknown++
      return inner.poll(question)
    },
  }
  return { store, counted }
}

function createLeapingClock() {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    leap(ms: number) {
      ahead += ms
    },
  }
}

/** A key takes five secrets. */
function ignoreFull(error: { reason?: string }): void {
  if (error.reason !== 'too_many_secrets') throw error
}
