import type { RefusedEvent, WriteKeyEvent, WriteKeys } from '../index.ts'
import { reasonAdvice } from '../verifier/reason-advice.ts'
import { noteLine, type Terminal } from './terminal.ts'

/** Tells, for each refused request of `serve`, why and what to do. */
export function createRefusalNotes(
  terminal: Terminal,
): (event: WriteKeyEvent, keys: Pick<WriteKeys, 'health'>) => void {
  let missingPepper: string | undefined

  /** A missing pepper is answered like a store that is down, but the database is well. */
  async function tellUnavailable(event: RefusedEvent, keys: Pick<WriteKeys, 'health'>): Promise<void> {
    const { error } = (await keys.health()).store
    if (error === undefined || error !== missingPepper) return tell(event, reasonAdvice.store_unavailable)
    tell(event, {
      cause: 'Nobody seems to have this key, but it may be a good one',
      advice: `${error} Senders try again by themselves.`,
    })
  }

  function tell(event: RefusedEvent, { cause, advice }: { cause: string; advice: string }): void {
    const { reason, keyId, origin, address } = event
    const from = [keyId, origin, address].filter((part) => part !== undefined).join(', ')
    noteLine(terminal, `Refused (${reason}): ${cause}.${from === '' ? '' : ` ${from}`}`, 'bad')
    noteLine(terminal, `  ${advice}`, 'dim')
  }

  return (event, keys) => {
    if (event.type === 'pepper_missing') missingPepper = event.error.message
    if (event.type !== 'refused') return
    if (event.reason === 'store_unavailable') void tellUnavailable(event, keys)
    else tell(event, reasonAdvice[event.reason])
  }
}
