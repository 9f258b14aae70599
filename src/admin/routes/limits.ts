import { z } from 'zod'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

export const limitsSchema = z.object({
  rate_limit_eps: z
    .number()
    .nullable()
    .describe('The rate of a key that names no plan and no rate; null = unlimited.'),
  sender_rate_limit_eps: z
    .number()
    .nullable()
    .describe('The share of one sender of such a key; null = the whole rate.'),
  monthly_events: z
    .number()
    .nullable()
    .describe('Events that such a key may send in a calendar month (UTC); null = any number.'),
  max_keys: z
    .number()
    .nullable()
    .describe('How many keys the workspace of the caller may hold; null = the caller has none.'),
  keys_left: z.number().nullable().describe('How many more keys it may make.'),
})

const getLimits = defineOperation({
  id: 'getLimits',
  method: 'GET',
  path: '/api/v1/events/limits',
  role: 'viewer',
  summary: 'What the default plan gives a new key, and how many keys the workspace of the caller may hold.',
  answers: {
    200: { description: 'A caller of one workspace sets no rate above these.', schema: limitsSchema },
  },
  async handle({ keys, principal: { workspace } }) {
    const { rateLimitEps, senderRateLimitEps, monthlyEvents } = keys.plan(null)
    const room = workspace === undefined ? undefined : await keys.room(workspace)
    return jsonAnswer(200, {
      rate_limit_eps: rateLimitEps,
      sender_rate_limit_eps: senderRateLimitEps,
      monthly_events: monthlyEvents,
      max_keys: room?.maxKeys ?? null,
      keys_left: room?.keysLeft ?? null,
    })
  },
})

export const limitsOperations: readonly Operation[] = [getLimits]
