import { z } from 'zod'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

export const sessionSchema = z.object({ name: z.string(), role: z.enum(['admin', 'viewer']) })

const getSession = defineOperation({
  id: 'getSession',
  method: 'GET',
  path: '/api/v1/events/session',
  role: 'viewer',
  summary: 'Who the token belongs to, and what it may do.',
  answers: {
    200: { description: 'Name and role.', schema: sessionSchema },
  },
  async handle({ principal: { name, role } }) {
    return jsonAnswer(200, { name, role })
  },
})

export const sessionOperations: readonly Operation[] = [getSession]
