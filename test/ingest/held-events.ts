import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { createSignal } from '../signal.ts'

/** An `onEvents` that has begun, and ends when the test lets it go; `order` says what happened when. */
export async function holdEvents() {
  const order: string[] = []
  const dropped: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    logger: false,
    onEvent(event) {
      if (event.type === 'accepted') order.push('counted')
      if (event.type === 'usage_dropped') dropped.push(event)
    },
  })
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const begun = createSignal()
  const go = createSignal()
  const api = createIngestApi(keys, {
    async onEvents() {
      begun.resolve()
      await go.promise
      order.push('handled')
    },
  })
  const close = () => keys.close().then(() => void order.push('closed'))
  return {
    keys,
    api,
    order,
    dropped,
    begun,
    go,
    close,
    id: writeKey.id,
    authorization: `Basic ${btoa(`${key}:`)}`,
  }
}
