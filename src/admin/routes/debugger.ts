import { z } from 'zod'
import { reasons } from '../../verifier/reasons.ts'
import type { RecentDecision } from '../../watch/recent-decision.ts'
import type { DecisionFilter } from '../../watch/recent-decisions.ts'
import { createDecisionStream, listAfter } from '../decision-stream.ts'
import { type KeyName, keyNameSchema } from '../key-names.ts'
import { keyIdFilter, pageLimit, toPageLimit } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import { answerHeaders } from '../problem.ts'

const scopeSchema = z
  .enum(['fleet', 'process'])
  .describe(
    'process: the store carries nothing from one process to another, and this one is all there is to see.',
  )

export const decisionSchema = z.object({
  id: z.int().min(1).describe('Grows with every decision that the answering process hears of.'),
  ref: z.string().describe('The same at every process.'),
  process: z.string().describe('The process that decided.'),
  at: z.iso.datetime(),
  key_id: z.string().nullable(),
  key: keyNameSchema.nullable(),
  secret_id: z.string().nullable(),
  verdict: z.enum(['accepted', 'refused']),
  reason: z.string().nullable().describe('The internal reason, which senders are not told.'),
  would_refuse: z
    .string()
    .nullable()
    .describe('Why rules on trial would have refused what was accepted; null: they would not.'),
  status: z.int().describe('200 for what was let through: its answer is the application’s.'),
  method: z.string().nullable(),
  path: z.string().nullable().describe('Without the query.'),
  events: z.int().min(0),
  rejected: z.int().min(0),
  types: z.array(z.string()),
  names: z.array(z.string()),
  origin: z.string().nullable(),
  address: z.string().nullable(),
  sdk: z.string().nullable().describe('context.library of the first event, or the User-Agent.'),
  bytes: z.int().min(0).nullable().describe('Length of the body.'),
  took_ms: z.number().min(0).nullable().describe('From the look-up of the key to the decision.'),
  test: z.boolean().describe('A test event of the management page.'),
  headers: z.record(z.string(), z.string()).nullable().describe('Only where the application keeps headers.'),
  payload: z.string().nullable().describe('Only where the application keeps payloads.'),
})

const filterText = z.string().min(1).max(200).optional()

const watchDecisions = defineOperation({
  id: 'watchDecisions',
  method: 'GET',
  path: '/api/v1/events/debugger',
  role: 'viewer',
  summary:
    'Recent decisions of all processes that share the store, oldest first; with Accept: text/event-stream live, as events named decision.',
  headers: { Accept: 'text/event-stream for a live stream.' },
  query: z.strictObject({
    key_id: keyIdFilter(),
    outcome: z.enum(['accepted', 'refused', 'would_refuse']).optional(),
    reason: z.enum(reasons as [string, ...string[]]).optional(),
    type: filterText.describe('One of its event types.'),
    name: filterText.describe('One of its event names.'),
    origin: filterText,
    address: filterText.describe('An address, or its beginning up to a dot or colon: 203.0.113.'),
    process: filterText,
    q: z.string().max(200).optional().describe('Stands somewhere in what is shown, in any case.'),
    after: z
      .string()
      .regex(/^\d{1,16}$/, 'must be the id of a decision')
      .optional()
      .describe('Only decisions after this id, also over a restart of the process that gave it.'),
    limit: pageLimit(),
  }),
  answers: {
    200: {
      description: 'The latest that fit.',
      schema: z.object({ data: z.array(decisionSchema), scope: scopeSchema, process: z.string() }),
    },
  },
  async handle({ keys, keyNames, request, query, isStillAllowed }) {
    const activity = await keys.activity()
    const { decisions, scope, processName } = activity
    const filter = toFilter(query)
    const { limit = 50 } = toPageLimit(query.limit)
    if (!/\btext\/event-stream\b/.test(request.headers.get('accept') ?? '')) {
      await activity.refresh()
      const { known: found } = listAfter(decisions, filter, limit)
      const names = await keyNames.of(found.map(({ keyId }) => keyId))
      const data = found.map((decision) => toDecisionJson(decision, names))
      return jsonAnswer(200, { data, scope, process: processName })
    }
    // Nobody reads the stream of a HEAD, so nobody would end it.
    const stream =
      request.method === 'HEAD'
        ? null
        : createDecisionStream(decisions, filter, limit, {
            toJson: async (some) => {
              const names = await keyNames.of(some.map(({ keyId }) => keyId))
              return some.map((decision) => toDecisionJson(decision, names))
            },
            isStillAllowed,
          })
    return new Response(stream, {
      headers: {
        ...answerHeaders,
        'content-type': 'text/event-stream; charset=utf-8',
        // nginx would buffer the stream.
        'x-accel-buffering': 'no',
      },
    })
  },
})

export const debuggerOperations: readonly Operation[] = [watchDecisions]

function toFilter({
  key_id: keyId,
  reason,
  q: text,
  after,
  ...same
}: {
  key_id?: string | undefined
  outcome?: 'accepted' | 'refused' | 'would_refuse' | undefined
  reason?: string | undefined
  type?: string | undefined
  name?: string | undefined
  origin?: string | undefined
  address?: string | undefined
  process?: string | undefined
  q?: string | undefined
  after?: string | undefined
  limit?: unknown
}): DecisionFilter {
  const { limit: _, ...filters } = same
  return {
    ...filters,
    keyId,
    reason: reason as DecisionFilter['reason'],
    text,
    after: after === undefined ? undefined : Number(after),
  }
}

function toDecisionJson(
  decision: RecentDecision,
  names: ReadonlyMap<string, KeyName>,
): z.output<typeof decisionSchema> {
  return {
    id: decision.id,
    ref: decision.ref,
    process: decision.process,
    at: new Date(decision.at).toISOString(),
    key_id: decision.keyId,
    key: names.get(decision.keyId ?? '') ?? null,
    secret_id: decision.secretId,
    verdict: decision.reason === null ? 'accepted' : 'refused',
    reason: decision.reason,
    would_refuse: decision.wouldRefuse,
    status: decision.status,
    method: decision.method,
    path: decision.path,
    events: decision.events,
    rejected: decision.rejected,
    types: [...decision.types],
    names: [...decision.names],
    origin: decision.origin,
    address: decision.address,
    sdk: decision.sdk,
    bytes: decision.bytes,
    took_ms: decision.tookMs,
    test: decision.isTest,
    headers: decision.headers,
    payload: decision.payload,
  }
}
