import { useState } from 'preact/hooks'
import { isGone } from '../api/client.ts'
import type { Secret, WriteKey } from '../api/wire.ts'
import { moment, second } from '../clock.ts'
import { say } from '../flash.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { type Task, useTask } from '../parts/task.ts'
import { Ago, Countdown } from '../parts/time.tsx'
import { canWrite, useApi } from '../session.ts'
import { formatCount } from '../words/format.ts'

const quietMs = 24 * 3_600_000

/** The secrets of a key, newest first: which are accepted, for how long, and whether anybody still uses them. */
export function KeySecrets({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const [ending, setEnding] = useState<Secret | null>(null)
  const end = useTask(async (secret: Secret) => {
    try {
      onChanged(await api.endGrace(key.id, secret.id))
    } catch (error) {
      if (!isGone(error)) throw error
      await showEnded(secret)
    }
    setEnding(null)
  })

  /** Somebody else, or an attempt whose answer got lost, has ended the secret, or deleted its key. */
  async function showEnded(secret: Secret): Promise<void> {
    try {
      onChanged(await api.getKey(key.id))
      say('has ended already: it is no longer accepted.', `${secret.start}…`)
    } catch (error) {
      if (!isGone(error)) throw error
      // The page says what became of the key.
      onChanged(key)
    }
  }

  const hasGrace = key.secrets.some((secret) => isInGrace(key, secret, second.value))
  const { data: usage } = useData(
    `secrets ${key.id} ${hasGrace}`,
    async () => (hasGrace ? (await api.usage(key.id, '24h')).of_secrets : null),
    15_000,
  )
  return (
    <section class="card" aria-label="Secrets" tabIndex={-1}>
      <h2>Secrets</h2>
      <table class="secrets">
        <thead>
          <tr>
            <th scope="col">Secret</th>
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            {usage !== null && (
              <th scope="col" class="number" title="Since the rotation, in the last 24 hours">
                Events, 24 h
              </th>
            )}
            <th scope="col">Accepted</th>
          </tr>
        </thead>
        <tbody>
          {[...key.secrets].reverse().map((secret) => (
            <SecretRow
              key={secret.id}
              of={secret}
              owner={key}
              events={usage === null ? null : (usage[secret.id] ?? 0)}
              onEnd={() => setEnding(secret)}
            />
          ))}
        </tbody>
      </table>
      {ending !== null && <EndSecretDialog of={ending} task={end} onClose={() => setEnding(null)} />}
    </section>
  )
}

interface SecretRowProps {
  of: Secret
  owner: WriteKey
  /** Null when no secret of the key is about to end. */
  events: number | null
  onEnd: () => void
}

function SecretRow({ of: secret, owner, events, onEnd }: SecretRowProps) {
  const isEnding = isInGrace(owner, secret, second.value)
  const isUsed = (events ?? 0) > 0 || secret.last_used_at !== null
  const isSafe = (events ?? 0) === 0 && isQuiet(secret, moment.value)
  return (
    <tr>
      <td class="mono">
        <bdi>{secret.start}…</bdi>
      </td>
      <td data-label="Created">
        <Ago time={secret.created_at} />
      </td>
      <td data-label="Last used">
        <Ago time={secret.last_used_at} />
        {isEnding && (
          <div class={isSafe ? 'good' : isUsed ? 'warn-text' : 'muted'}>
            {isSafe ? 'Safe to end' : isUsed ? 'Still in use' : 'No use known yet'}
          </div>
        )}
      </td>
      {events !== null && (
        <td data-label="Events, 24 h" class="number">
          {formatCount(events)}
        </td>
      )}
      <td data-label="Accepted">
        {isEnding && secret.expires_at !== null ? (
          <>
            for <Countdown time={secret.expires_at} />{' '}
            {canWrite() && (
              <button
                type="button"
                class="small danger-quiet"
                aria-label={`End now ${secret.start}`}
                onClick={onEnd}
              >
                End now
              </button>
            )}
          </>
        ) : (
          <span class="muted">{isAccepted(owner, secret, second.value) ? 'yes' : 'no longer'}</span>
        )}
      </td>
    </tr>
  )
}

interface EndSecretDialogProps {
  of: Secret
  task: Task<[secret: Secret]>
  onClose: () => void
}

function EndSecretDialog({ of: secret, task, onClose }: EndSecretDialogProps) {
  return (
    <ConfirmDialog
      title={
        <>
          End <span class="mono">{secret.start}…</span> now?
        </>
      }
      action="End secret"
      busy={task.busy}
      error={task.error}
      onConfirm={() => void task.start(secret)}
      onClose={onClose}
    >
      <p>
        Senders that still use this secret get 401 at once. <strong>This cannot be undone.</strong>
      </p>
      <p>
        {secret.last_used_at === null ? (
          'No use of it is known.'
        ) : (
          <>
            It was last used <Ago time={secret.last_used_at} />.
          </>
        )}
      </p>
    </ConfirmDialog>
  )
}

function isAccepted(key: WriteKey, { expires_at: end }: Secret, now: number): boolean {
  return key.status !== 'revoked' && (end === null || Date.parse(end) > now)
}

function isInGrace(key: WriteKey, secret: Secret, now: number): boolean {
  return secret.expires_at !== null && isAccepted(key, secret, now)
}

/** Nobody has used it for a day; uses are stored within seconds. */
function isQuiet({ last_used_at: used, created_at: created }: Secret, now: number): boolean {
  return now - Date.parse(used ?? created) > quietMs
}
