import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { combine } from '../runtime/combine.ts'
import type { Problem } from './own-answers.ts'
import type { SchemaChecked } from './schemas.ts'
import type { Sender } from './sender.ts'

/** The answer to accepted events, in the format that the sender expects. */
export function successReply(
  sender: Sender | null,
  request: IngestRequest,
  headers: Readonly<Record<string, string>>,
  taken: SchemaChecked,
): Reply {
  const answers = sender?.answers
  const own = typeof answers === 'object' ? answers.success(taken, request) : undefined
  return {
    status: 200,
    headers: combine(headers, { 'content-type': own?.type ?? 'application/json' }),
    body: own?.body ?? JSON.stringify(answers === 'ids' ? toIds(taken) : toCount(taken)),
  }
}

function toIds({ events }: SchemaChecked) {
  return { ids: events.map(({ id }) => id), status: 200 }
}

function toCount({ events, rejected }: SchemaChecked) {
  return { success: true, accepted: events.length, ...(rejected.length > 0 && { rejected }) }
}

/**
 * A refusal in the format that the sender reads. Inngest's SDK shows `error`, others read the body, most look
 * at the status alone.
 */
export function refusalReply(sender: Sender | null, request: IngestRequest, reply: Reply): Reply {
  const answers = sender?.answers
  if (answers === undefined || answers === 'success' || reply.body === '') return reply
  const problem = JSON.parse(reply.body) as Problem
  if (answers === 'ids')
    return { ...reply, body: JSON.stringify(combine(problem, { error: problem.detail })) }
  if (answers.refusal === undefined) return reply
  const headers = combine(reply.headers, { 'content-type': 'application/json' })
  return { ...reply, headers, body: JSON.stringify(answers.refusal(problem, request)) }
}
