import { z } from 'zod'
import { reasonAdvice } from '../../verifier/reason-advice.ts'
import { reasons } from '../../verifier/reasons.ts'
import type { Problem } from '../../watch/problems.ts'
import { type KeyName, keyNameSchema } from '../key-names.ts'
import { keyIdFilter, pageLimit, toPageLimit } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

const moment = z.iso.datetime()
const count = z.int().min(0)

export const problemSchema = z.object({
  id: z.string().describe('The same for the same thing.'),
  reason: z.string(),
  cause: z.string().describe('What the reason means.'),
  advice: z.string().nullable().describe('What to do about it.'),
  key_id: z.string().nullable().describe('Null: no key was known.'),
  key: keyNameSchema.nullable(),
  origin: z.string().nullable(),
  address: z.string().nullable().describe('The latest one; addresses of one IPv6 /64 are one sender.'),
  names: z.array(z.string()).describe('Event names that were refused lately, a few.'),
  types: z.array(z.string()),
  rest: z
    .boolean()
    .describe('The many of a flood that are counted together, of no origin and address of their own.'),
  count: count.describe('Refused requests.'),
  first_at: moment,
  last_at: moment,
  last_hour: count.describe('Of the hour of the clock in which it was last seen.'),
  hour_before: count.describe('Of the hour before that one.'),
  trend: z
    .enum(['new', 'rising', 'steady', 'falling', 'over'])
    .describe('over: not seen for an hour. new: began within the hour.'),
})

const listProblems = defineOperation({
  id: 'listProblems',
  method: 'GET',
  path: '/api/v1/events/problems',
  role: 'viewer',
  summary:
    'Refusals of one reason, key, origin and sender counted together, of all processes and the last seven days, latest first.',
  query: z.strictObject({
    key_id: keyIdFilter(),
    reason: z.enum(reasons as [string, ...string[]]).optional(),
    limit: pageLimit(),
  }),
  answers: { 200: { description: 'The latest.', schema: z.object({ data: z.array(problemSchema) }) } },
  async handle({ keys, keyNames, now, query: { key_id: keyId, reason, limit } }) {
    const activity = await keys.activity()
    const all = await activity.listProblems({
      ...(keyId !== undefined && { keyIds: [keyId] }),
      limit: 1_000,
    })
    const wanted = all.filter((problem) => reason === undefined || problem.reason === reason)
    const found = wanted.slice(0, toPageLimit(limit).limit ?? 50)
    const names = await keyNames.of(found.map((problem) => problem.keyId))
    return jsonAnswer(200, { data: found.map((problem) => toProblemJson(problem, names, now())) })
  },
})

export const problemOperations: readonly Operation[] = [listProblems]

function toProblemJson(
  problem: Problem,
  names: ReadonlyMap<string, KeyName>,
  now: number,
): z.output<typeof problemSchema> {
  const { reason, keyId, count: total, firstAt, lastAt, lastHour, hourBefore } = problem
  const { cause, advice } =
    reason === 'client_aborted' ? { cause: 'The client went away', advice: null } : reasonAdvice[reason]
  return {
    id: problem.id,
    reason,
    cause,
    advice,
    key_id: keyId,
    key: names.get(keyId ?? '') ?? null,
    origin: problem.origin,
    address: problem.address,
    names: [...problem.names],
    types: [...problem.types],
    rest: problem.isRest,
    count: total,
    first_at: new Date(firstAt).toISOString(),
    last_at: new Date(lastAt).toISOString(),
    last_hour: lastHour,
    hour_before: hourBefore,
    trend: trendOf(problem, now),
  }
}

const hourMs = 3_600_000

/** Compares the unfinished hour with the same part of the hour before. */
function trendOf({ firstAt, lastAt, lastHour, hourBefore }: Problem, now: number) {
  if (now - lastAt >= hourMs) return 'over'
  if (now - firstAt < hourMs) return 'new'
  const part = Math.max(0.1, Math.min(1, (now % hourMs) / hourMs))
  const sinceHour = now - (now % hourMs) <= lastAt ? lastHour : 0
  const before = (sinceHour === 0 ? lastHour : hourBefore) * part
  if (sinceHour > before * 1.5) return 'rising'
  return sinceHour < before / 1.5 ? 'falling' : 'steady'
}
