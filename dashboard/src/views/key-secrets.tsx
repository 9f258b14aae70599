import type { Secret, WriteKey } from '../api/wire.ts'
import { second } from '../clock.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { Ago, Countdown } from '../parts/time.tsx'
import { canWrite, useApi } from '../session.ts'

/** The secrets of a key, newest first: which are accepted, for how long, and whether anybody still uses them. */
export function KeySecrets({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const { start, busy, error } = useTask(async (secretId: string) => {
    onChanged(await api.endGrace(key.id, secretId))
  })
  return (
    <section class="card">
      <h2>Secrets</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Secret</th>
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            <th scope="col">Accepted</th>
          </tr>
        </thead>
        <tbody>
          {[...key.secrets].reverse().map((secret) => {
            const isEnding = isInGrace(key, secret, second.value)
            return (
              <tr key={secret.id}>
                <td class="mono">{secret.start}…</td>
                <td>
                  <Ago time={secret.created_at} />
                </td>
                <td>
                  <Ago time={secret.last_used_at} />
                </td>
                <td>
                  {isEnding && secret.expires_at !== null ? (
                    <>
                      for <Countdown time={secret.expires_at} />{' '}
                      {canWrite() && (
                        <button
                          type="button"
                          class="small danger-quiet"
                          disabled={busy}
                          aria-label={`End ${secret.start} now`}
                          onClick={() => void start(secret.id)}
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
      <ErrorNotice error={error} />
    </section>
  )
}

function isAccepted(key: WriteKey, { expires_at: end }: Secret, now: number): boolean {
  return key.status === 'active' && (end === null || Date.parse(end) > now)
}

function isInGrace(key: WriteKey, secret: Secret, now: number): boolean {
  return secret.expires_at !== null && isAccepted(key, secret, now)
}
