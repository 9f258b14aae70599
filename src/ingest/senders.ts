import type { Sender, SenderName } from './sender.ts'
import { amplitude } from './senders/amplitude.ts'
import { customerio } from './senders/customerio.ts'
import { inngest } from './senders/inngest.ts'
import { jitsu } from './senders/jitsu.ts'
import { mixpanel } from './senders/mixpanel.ts'
import { posthog } from './senders/posthog.ts'
import { rudderstack } from './senders/rudderstack.ts'
import { segment } from './senders/segment.ts'

export type { Sender, SenderName, SenderRoute } from './sender.ts'

/**
 * The one table of senders, in the order in which paths are matched. docs/senders.md is generated from it.
 */
export const senders: Readonly<Record<SenderName, Sender>> = {
  segment,
  rudderstack,
  customerio,
  inngest,
  posthog,
  amplitude,
  mixpanel,
  jitsu,
}

/** The senders of an API that names none. */
export const defaultSenders: readonly SenderName[] = ['segment', 'rudderstack', 'customerio', 'inngest']
