import type { RecentDecision } from './recent-decision.ts'
import { toAsciiJson } from './sightings.ts'

const maxCharacters = 250_000

/** Decisions as a process publishes them to others. Those that do not fit are counted as skipped. */
export function toPageBody(told: readonly RecentDecision[], skipped: number): string {
  const parts: string[] = []
  let characters = 0
  let omitted = skipped
  for (const decision of told) {
    const text = toAsciiJson(decision)
    if (characters + text.length > maxCharacters) omitted++
    else parts.push(text)
    characters += text.length
  }
  return `{"skipped":${omitted},"decisions":[${parts.join(',')}]}`
}

const unknown: Omit<RecentDecision, 'id' | 'ref' | 'process' | 'at'> = {
  keyId: null,
  secretId: null,
  reason: null,
  wouldRefuse: null,
  status: 0,
  method: null,
  path: null,
  events: 0,
  rejected: 0,
  types: [],
  names: [],
  origin: null,
  address: null,
  sdk: null,
  bytes: null,
  tookMs: null,
  isTest: false,
  headers: null,
  payload: null,
}

/** Another process wrote it, perhaps of another version. */
export function parsePageBody(body: string): { skipped: number; decisions: RecentDecision[] } {
  try {
    const { skipped, decisions } = JSON.parse(body) as { skipped?: unknown; decisions?: unknown }
    const list = Array.isArray(decisions) ? (decisions as Partial<RecentDecision>[]) : []
    return {
      skipped: Number.isSafeInteger(skipped) ? (skipped as number) : 0,
      decisions: list
        .filter(
          ({ id, ref, at }) => Number.isSafeInteger(id) && typeof ref === 'string' && Number.isFinite(at),
        )
        .map((decision) => ({ ...unknown, ...decision }) as RecentDecision),
    }
  } catch {
    return { skipped: 0, decisions: [] }
  }
}
