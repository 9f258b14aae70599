import { useState } from 'preact/hooks'
import type { Secret, WriteKey } from '../api/wire.ts'
import { moment, second } from '../clock.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { useData, useTask } from '../parts/task.ts'
import { Ago, Countdown } from '../parts/time.tsx'
import { canWrite, useApi } from '../session.ts'
import { formatCount } from '../words/format.ts'

const quietMs = 24 * 3_600_000

/** The secrets of a key, newest first: which are accepted, for how long, and whether anybody still uses them. */
export function KeySecrets({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const [ending, setEnding] = useState<Secret | null>(null)
  const { start, busy, error } = useTask(async (secretId: string) => {
    onChanged(await api.endGrace(key.id, secretId))
    setEnding(null)
  })
  const hasGrace = key.secrets.some((secret) => isInGrace(key, secret, second.value))
  const { data: usage } = useData(
    `secrets ${key.id} ${hasGrace}`,
    async () => (hasGrace ? (await api.usage(key.id, '24h')).of_secrets : null),
    15_000,
  )
  return (
    <section class="card" aria-label="Secrets">
      <h2>Secrets</h2>
      <table>
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
          {[...key.secrets].reverse().map((secret) => {
            const isEnding = isInGrace(key, secret, second.value)
            const events = usage?.[secret.id] ?? 0
            const isSafe = events === 0 && isQuiet(secret, moment.value)
            return (
              <tr key={secret.id}>
                <td class="mono">
                  <bdi>{secret.start}…</bdi>
                </td>
                <td>
                  <Ago time={secret.created_at} />
                </td>
                <td>
                  <Ago time={secret.last_used_at} />
                  {isEnding && (
                    <div class={isSafe ? 'good' : 'warn-text'}>{isSafe ? 'Safe to end' : 'Still in use'}</div>
                  )}
                </td>
                {usage !== null && <td class="number">{formatCount(events)}</td>}
                <td>
                  {isEnding && secret.expires_at !== null ? (
                    <>
                      for <Countdown time={secret.expires_at} />{' '}
                      {canWrite() && (
                        <button
                          type="button"
                          class="small danger-quiet"
                          aria-label={`End ${secret.start} now`}
                          onClick={() => setEnding(secret)}
                        >
                          End now
                        </button>
                      )}
                    </>
                  ) : (
                    <span class="muted">{isAccepted(key, secret, second.value) ? 'yes' : 'no longer'}</span>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {ending !== null && (
        <ConfirmDialog
          title={
            <>
              End <span class="mono">{ending.start}…</span> now?
            </>
          }
          action="End secret"
          busy={busy}
          error={error}
          onConfirm={() => void start(ending.id)}
          onClose={() => setEnding(null)}
        >
          <p>
            Senders that still use this secret get 401 at once. <strong>This cannot be undone.</strong>
          </p>
          <p>
            {ending.last_used_at === null ? (
              'No use of it is known.'
            ) : (
              <>
                It was last used <Ago time={ending.last_used_at} />.
              </>
            )}
          </p>
        </ConfirmDialog>
      )}
    </section>
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
