export type { IngestContext, SentEvent } from './events.ts'
export { createIngestApi, type IngestAnswer, type IngestApi, type IngestApiOptions } from './ingest-api.ts'
export type { IngestRoute } from './routes.ts'
export type { Sender, SenderName, SenderRoute } from './senders.ts'
