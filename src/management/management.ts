import { createChangeBarrier } from '../cache/change-barrier.ts'
import type { KeyCache } from '../cache/key-cache-interface.ts'
import type { Outage, Outages } from '../cache/outages.ts'
import type { PepperCheck } from '../cache/pepper-check.ts'
import type { SecretRules } from '../keys/imported-secret.ts'
import type { SecretHashers } from '../keys/pepper-option.ts'
import type { Plans } from '../keys/plans.ts'
import type { EventTypeResolver } from '../rules/event-types.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Pauses } from '../runtime/pauses.ts'
import type { ChangeHints, KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import { createAnnouncements } from './announcements.ts'
import { createAuditReading } from './audit-log.ts'
import { createKeyCreation } from './create-key.ts'
import { createKeyEnding } from './end-key.ts'
import { createEndings } from './endings.ts'
import { createKeyFinding } from './find-key.ts'
import { createKeyImport } from './import-keys.ts'
import { createKeyChanges } from './key-changes.ts'
import { createSecretMaker } from './new-secret.ts'
import { createRuleParser } from './parse-rules.ts'
import { createKeyPresenter } from './present-key.ts'
import { createKeyReading } from './read-keys.ts'
import { createKeyRotation } from './rotate-key.ts'
import { createTrialRules } from './trial-rules.ts'
import { createKeyUpdate } from './update-key.ts'
import { createUsageReports } from './usage-reports.ts'
import { createWorkspaceRoom } from './workspace-room.ts'

export interface ManagementParts {
  store: KeyStore
  clock: Clock
  hints: ChangeHints | undefined
  environment: string
  keyPrefixFor: (environment: string) => string
  hashers: SecretHashers
  secretRules: SecretRules
  eventTypes: EventTypeResolver
  plans: Plans
  eventBytes: number
  maxKeysPerWorkspace: number
  cache: Pick<KeyCache<never>, 'forget'>
  ownLeaseMs: () => number
  usage: Pick<UsageRecorder, 'flush'>
  peppers: PepperCheck
  activity: { forget(keyId: string): void }
  storeOutages: (part: 'questions') => Outage
  hintsOutages: Outages
  pauses: Pick<Pauses, 'pause'>
}

/** Every call that makes, reads or changes keys. */
export function createManagement(parts: ManagementParts) {
  const { store, clock, usage, environment, hashers, peppers, plans } = parts
  const questions = parts.storeOutages('questions')
  const barrier = createChangeBarrier({
    store,
    ownLeaseMs: parts.ownLeaseMs,
    onStoreError: questions.began,
    onStoreAnswer: questions.ended,
    pauses: parts.pauses,
  })
  const endings = createEndings(store, barrier)
  const announcements = createAnnouncements({
    cache: parts.cache,
    hints: parts.hints,
    publishing: parts.hintsOutages('publishing'),
    forgetActivity: parts.activity.forget,
  })
  const changes = createKeyChanges({ store, clock, announcements })
  const makeSecret = createSecretMaker(parts)
  const parseRules = createRuleParser(parts.eventTypes.known, plans)
  const present = createKeyPresenter(parts)
  const room = createWorkspaceRoom(store, parts.maxKeysPerWorkspace)
  const { countingNow, sumsOf, ...reports } = createUsageReports({ store, clock, usage, changes, plans })

  return {
    ...createKeyCreation({
      store,
      clock,
      environment,
      changes,
      announcements,
      makeSecret,
      parseRules,
      present,
      room,
    }),
    ...createKeyImport({ ...parts, changes, announcements, parseRules, present, room }),
    ...createKeyFinding({ store, usage, hashers, peppers, present }),
    ...createKeyReading({ store, clock, usage, changes, countingNow, sumsOf, present }),
    ...createKeyUpdate({ clock, changes, parseRules, present }),
    ...createTrialRules({ clock, changes, present }),
    ...createKeyRotation({ clock, changes, barrier, endings, makeSecret, present }),
    ...createKeyEnding({ store, clock, changes, announcements, endings, present }),
    ...reports,
    ...createAuditReading({ store, changes }),
    plan: plans.of,
    room: async (workspace: string) => ({
      maxKeys: parts.maxKeysPerWorkspace,
      keysLeft: await room.left(workspace),
    }),
  }
}
