import {
  chargeGcra,
  type GcraState,
  microEvents,
  peekGcra,
  refundGcra,
  roundingMicroEvents,
  settleGcra,
  toMicroseconds,
} from '../limits/gcra.ts'
import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import { chunkLimit } from './bucket-script.ts'
import { expectedDemand, isLeasable, type LeasedDemand } from './leased-demand.ts'

/** What one process knows and holds of one shared bucket. Times are milliseconds of a monotonic clock. */
export interface LeasedBucket extends LeasedDemand {
  readonly keyId: string
  /**
   * The shared bucket as the server last told it, with what is held counted as owed. Since then it can only
   * have drained.
   */
  readonly view: GcraState
  /**
   * What this process admitted itself. When it is alone with the key, this is as exact as a limiter in
   * memory.
   */
  readonly own: GcraState
  /** When the question was sent that `view` answers: the server cannot have seen the bucket earlier. */
  toldAtMs: number
  /** The rate that `view` was computed with. */
  toldEps: number
  /** Events taken out of the shared bucket and not spent. */
  held: number
  heldUntil: number
  /** Until its turn, a process with nothing left does not ask for more. */
  pauseUntil: number
  /** The rate of the last charge, for refunds; `undefined` before there was one. */
  rate: Rate | undefined
}

/** The arguments of `bucketScript`. */
export interface BucketQuestion {
  cost: number
  waiting: number
  ahead: number
  further: number
  back: number
}

export interface BucketAnswer {
  admitted: boolean
  /** Micro-events owed before anything was charged. */
  owed: number
  taken: number
  pauseUs: number
  /** Whether the server had lost the bucket, and was told again what it owed. */
  lost: boolean
}

/** How long events taken ahead may be spent. */
const holdMs = 3_000
export function createLeasedBucket(keyId: string): LeasedBucket {
  return {
    keyId,
    view: { used: 0, at: 0 },
    own: { used: 0, at: 0 },
    toldAtMs: 0,
    toldEps: 0,
    held: 0,
    heldUntil: 0,
    pauseUntil: 0,
    demand: 0,
    demandAt: 0,
    demandSince: 0,
    rate: undefined,
  }
}

/**
 * Spends what is held, or refuses when the shared bucket cannot have enough left, even if nobody else asked.
 * Undefined when only the server knows.
 */
export function decideLocally(
  bucket: LeasedBucket,
  cost: number,
  rate: Rate,
  nowMs: number,
): RateLimitResult | undefined {
  const nowUs = toMicroseconds(nowMs)
  const result = chargeGcra(scratch(owedByOthers(bucket, rate, nowUs), nowUs), cost, rate, nowUs)
  if (!result.allowed) return isLeasable(cost, rate) ? noSoonerThanTurn(bucket, result, cost, nowMs) : result
  if (bucket.held >= cost && nowMs < bucket.heldUntil) {
    bucket.held -= cost
    noteOwn(bucket, cost, rate, nowUs)
    return result
  }
  if (nowMs < bucket.pauseUntil && isLeasable(cost, rate)) return waitForTurn(bucket, result, nowMs)
  return undefined
}

/** Takes back what a request was charged. It is held from now on, as if it had been taken ahead. */
export function takeBack(bucket: LeasedBucket, cost: number): void {
  bucket.held += cost
  refundGcra(bucket.own, cost)
}

/** Whether the bucket is known to be empty, and when `cost` fits as far as is known. Charges nothing. */
export function peekLocally(bucket: LeasedBucket, rate: Rate, nowMs: number, cost = 1): RateLimitResult {
  const nowUs = toMicroseconds(nowMs)
  const result = peekGcra(scratch(owedByOthers(bucket, rate, nowUs), nowUs), rate, nowUs, cost)
  const emptyHanded = bucket.held < 1 || nowMs >= bucket.heldUntil
  if (result.allowed && emptyHanded && nowMs < bucket.pauseUntil && isLeasable(1, rate)) {
    return waitForTurn(bucket, result, nowMs)
  }
  return result.retryAfterMs > 0 && isLeasable(cost, rate)
    ? noSoonerThanTurn(bucket, result, cost, nowMs)
    : result
}

/**
 * Asks for one request and those that wait behind it, returns what is held, and takes a new chunk for
 * requests to come.
 */
export function askFor(bucket: LeasedBucket, cost: number, waiting: number, rate: Rate): BucketQuestion {
  const limit = chunkLimit(rate)
  const expected = cost > 0 && limit >= 2 ? expectedDemand(bucket) : 0
  const ahead = Math.min(limit, expected)
  const further = Math.min(limit, (expected * holdMs) / 1_000) - ahead
  const back = bucket.held
  bucket.held = 0
  bucket.view.used -= back * microEvents
  return { cost, waiting, ahead, further, back }
}

/**
 * The least, in whole micro-events, that the shared bucket must still owe if the server answers by then,
 * judged by its last answer; 0 when unknown.
 */
export function leastOwed(bucket: LeasedBucket, rate: Rate, answeredByMs: number): number {
  if (bucket.toldEps !== rate.eps) return 0
  const drained = (answeredByMs - bucket.toldAtMs) * 1_000 * rate.eps
  return Math.max(0, Math.floor(bucket.view.used - drained))
}

/** Applies the server's answer. */
export function heed(
  bucket: LeasedBucket,
  question: BucketQuestion,
  answer: BucketAnswer,
  rate: Rate,
  askedAtMs: number,
  nowMs: number,
): void {
  bucket.toldAtMs = askedAtMs
  bucket.toldEps = rate.eps
  const charged = (answer.admitted ? question.cost : 0) + answer.taken
  bucket.view.used = answer.owed + charged * microEvents
  bucket.view.at = toMicroseconds(nowMs)
  // What was refunded while the server was being asked is still held.
  bucket.held += answer.taken
  bucket.heldUntil = nowMs + holdMs
  bucket.pauseUntil = nowMs + answer.pauseUs / 1000
}

/** The result for the request that was asked for, as a limiter in memory would give it. */
export function toAnsweredResult(
  bucket: LeasedBucket,
  question: BucketQuestion,
  answer: BucketAnswer,
  rate: Rate,
  nowMs: number,
): RateLimitResult {
  const nowUs = toMicroseconds(nowMs)
  const result = chargeGcra(scratch(answer.owed, nowUs), question.cost, rate, nowUs)
  if (answer.admitted) {
    noteOwn(bucket, question.cost, rate, nowUs)
    return { ...result, allowed: true, retryAfterMs: 0 }
  }
  const pauseMs = isLeasable(question.cost, rate) ? Math.ceil(answer.pauseUs / 1000) : 0
  return {
    ...result,
    allowed: false,
    remaining: Math.min(result.remaining, Math.max(0, question.cost - 1)),
    retryAfterMs: Math.max(1, result.retryAfterMs, pauseMs),
  }
}

/**
 * Micro-events that count against this process: what others owe, or what it has admitted itself if that is
 * more.
 */
function owedByOthers(bucket: LeasedBucket, rate: Rate, nowUs: number): number {
  const shared = settleGcra(bucket.view, rate, nowUs) - bucket.held * microEvents
  const owed = Math.max(shared, settleGcra(bucket.own, rate, nowUs))
  return owed > roundingMicroEvents ? owed : 0
}

function noteOwn(bucket: LeasedBucket, cost: number, rate: Rate, nowUs: number): void {
  bucket.own.used = settleGcra(bucket.own, rate, nowUs) + cost * microEvents
  bucket.own.at = nowUs
}

function waitForTurn(bucket: LeasedBucket, result: RateLimitResult, nowMs: number): RateLimitResult {
  const retryAfterMs = Math.max(1, result.retryAfterMs, Math.ceil(bucket.pauseUntil - nowMs))
  return { allowed: false, remaining: 0, retryAfterMs, resetMs: Math.max(result.resetMs, retryAfterMs) }
}

/** When the shared bucket has room again, this process gives out only what it holds until its turn comes. */
function noSoonerThanTurn(
  bucket: LeasedBucket,
  result: RateLimitResult,
  cost: number,
  nowMs: number,
): RateLimitResult {
  if (bucket.held >= cost && nowMs + result.retryAfterMs < bucket.heldUntil) return result
  const retryAfterMs = Math.max(result.retryAfterMs, Math.ceil(bucket.pauseUntil - nowMs))
  return { ...result, retryAfterMs, resetMs: Math.max(result.resetMs, retryAfterMs) }
}

const state: GcraState = { used: 0, at: 0 }

function scratch(used: number, at: number): GcraState {
  state.used = used
  state.at = at
  return state
}
