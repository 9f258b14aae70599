import { z } from 'zod'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

export const sessionSchema = z.object({
  name: z.string(),
  role: z.enum(['admin', 'viewer']),
  workspace: z
    .string()
    .nullable()
    .describe('Its keys are all that can be seen and changed; null = all keys.'),
})

const getSession = defineOperation({
  id: 'getSession',
  method: 'GET',
  path: '/api/v1/events/session',
  role: 'viewer',
  summary: 'Who the token belongs to, and what it may do.',
  answers: {
    200: { description: 'Name, role and workspace.', schema: sessionSchema },
  },
  async handle({ principal: { name, role, workspace = null } }) {
    return jsonAnswer(200, { name, role, workspace })
  },
})

export const sessionOperations: readonly Operation[] = [getSession]
