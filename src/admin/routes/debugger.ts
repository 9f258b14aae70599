import { z } from 'zod'
import { reasons } from '../../verifier/reasons.ts'
import type { DecisionFilter, RecentDecision } from '../../watch/recent-decisions.ts'
import { createDecisionStream } from '../decision-stream.ts'
import { pageLimit, toPageLimit } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import { answerHeaders } from '../problem.ts'

export const decisionSchema = z.object({
  id: z.int().min(1).describe('Grows with every decision of a process.'),
  at: z.iso.datetime(),
  key_id: z.string().nullable(),
  secret_id: z.string().nullable(),
  verdict: z.enum(['accepted', 'refused']),
  reason: z.string().nullable().describe('The internal reason, which senders are not told.'),
  events: z.int().min(0),
  rejected: z.int().min(0),
  types: z.array(z.string()),
  names: z.array(z.string()),
  origin: z.string().nullable(),
  address: z.string().nullable(),
  payload: z.string().nullable().describe('Only where the application keeps payloads.'),
})

const watchDecisions = defineOperation({
  id: 'watchDecisions',
  method: 'GET',
  path: '/api/v1/events/debugger',
  role: 'viewer',
  summary:
    'Recent decisions of this process, oldest first; with Accept: text/event-stream live, as events named decision.',
  headers: { Accept: 'text/event-stream for a live stream.' },
  query: z.strictObject({
    key_id: z.string().max(80).optional(),
    outcome: z.enum(['accepted', 'refused']).optional(),
    reason: z.enum(reasons as [string, ...string[]]).optional(),
    after: z
      .string()
      .regex(/^\d{1,15}$/, 'must be the id of a decision')
      .optional()
      .describe('Only decisions after this id.'),
    limit: pageLimit(),
  }),
  answers: {
    200: { description: 'The latest that fit.', schema: z.object({ data: z.array(decisionSchema) }) },
  },
  async handle({ keys, request, query, isStillAllowed }) {
    const { decisions } = keys.activity
    const filter = toFilter(query)
    const { limit = 50 } = toPageLimit(query.limit)
    if (!/\btext\/event-stream\b/.test(request.headers.get('accept') ?? '')) {
      return jsonAnswer(200, { data: decisions.list(filter, limit).map(toDecisionJson) })
    }
    // Nobody reads, and so nobody would end, the stream of a HEAD.
    const stream =
      request.method === 'HEAD'
        ? null
        : createDecisionStream(decisions, filter, limit, toDecisionJson, isStillAllowed)
    return new Response(stream, {
      headers: {
        ...answerHeaders,
        'content-type': 'text/event-stream; charset=utf-8',
        // nginx would hold the stream back to fill its buffers.
        'x-accel-buffering': 'no',
      },
    })
  },
})

export const debuggerOperations: readonly Operation[] = [watchDecisions]

function toFilter(query: {
  key_id?: string | undefined
  outcome?: 'accepted' | 'refused' | undefined
  reason?: string | undefined
  after?: string | undefined
}): DecisionFilter {
  return {
    keyId: query.key_id,
    outcome: query.outcome,
    reason: query.reason as DecisionFilter['reason'],
    after: query.after === undefined ? undefined : Number(query.after),
  }
}

export function toDecisionJson(decision: RecentDecision): z.output<typeof decisionSchema> {
  return {
    id: decision.id,
    at: new Date(decision.at).toISOString(),
    key_id: decision.keyId,
    secret_id: decision.secretId,
    verdict: decision.reason === null ? 'accepted' : 'refused',
    reason: decision.reason,
    events: decision.events,
    rejected: decision.rejected,
    types: [...decision.types],
    names: [...decision.names],
    origin: decision.origin,
    address: decision.address,
    payload: decision.payload,
  }
}
