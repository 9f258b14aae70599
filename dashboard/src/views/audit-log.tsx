import { useEffect, useState } from 'preact/hooks'
import type { AuditEntry } from '../api/wire.ts'
import { KeyLabel } from '../parts/key-label.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { Ago, ReadAt } from '../parts/time.tsx'
import { useApi } from '../session.ts'
import { fieldLabels, fieldText } from '../words/fields.ts'

export function AuditLog() {
  return (
    <>
      <div class="page-head">
        <h1>Audit log</h1>
      </div>
      <section class="card flush">
        <AuditTrail />
      </section>
    </>
  )
}

const actions: Record<string, string> = {
  create: 'created',
  update: 'changed',
  rotate: 'rotated',
  pause: 'paused',
  resume: 'resumed',
  revoke: 'revoked',
  remove: 'deleted',
  end_grace: 'ended a secret of',
  refused: 'was refused a change of',
}

/** Who changed what, newest first; of one key, or of all. `version` grows when there is something new to read. */
export function AuditTrail({ keyId, version = 0 }: { keyId?: string; version?: number }) {
  const api = useApi()
  const [entries, setEntries] = useState<AuditEntry[]>([])
  const [cursor, setCursor] = useState<string | null>(null)
  const [isRead, setRead] = useState(false)
  const { start, busy, error } = useTask(async (from: string | null) => {
    const page = await api.auditLog({ ...(keyId !== undefined && { keyId }), cursor: from })
    setEntries((before) => (from === null ? page.data : [...before, ...page.data]))
    setCursor(page.next_cursor)
    setRead(true)
  })
  useEffect(() => {
    void start(null)
  }, [keyId, version])
  const newest = useData(
    `audit ${keyId} ${version}`,
    () => api.auditLog({ ...(keyId !== undefined && { keyId }) }),
    10_000,
  )
  const known = new Set(entries.map(({ id }) => id))
  const fresh = (newest.data?.data ?? []).filter(({ id }) => !known.has(id))
  // More than a page arrived at once, so entries in between are missing.
  const hasGap = newest.data !== null && fresh.length > 0 && fresh.length === newest.data.data.length
  const shown = hasGap && isRead ? fresh : [...(isRead ? fresh : []), ...entries]

  return (
    <>
      <ErrorNotice error={error ?? newest.error} />
      <ReadAt time={newest.readAt} />
      {isRead && shown.length === 0 && <p class="muted pad">Nothing was changed yet.</p>}
      <ul class="audit">
        {shown.map((entry) => (
          <AuditLine key={entry.id} of={entry} showKey={keyId === undefined} />
        ))}
      </ul>
      {(hasGap ? newest.data?.next_cursor : cursor) != null && (
        <TaskButton class="more-button" busy={busy} onClick={() => void start(hasGap ? null : cursor)}>
          Show older
        </TaskButton>
      )}
    </>
  )
}

function AuditLine({ of: entry, showKey }: { of: AuditEntry; showKey: boolean }) {
  const name = entry.after?.name ?? entry.before?.name
  return (
    <li>
      <span class="audit-when muted">
        <Ago time={entry.at} />
      </span>
      <span class={`audit-what ${entry.action === 'refused' ? 'refused' : ''}`}>
        <PlainText class="strong" text={entry.actor ?? 'the application'} />{' '}
        {actions[entry.action] ?? entry.action}{' '}
        {!showKey ? (
          'this key'
        ) : entry.key_id === null ? (
          'a key'
        ) : (
          <KeyLabel id={entry.key_id} of={entry.key} name={typeof name === 'string' ? name : undefined} />
        )}
        {entry.address !== null && (
          <>
            {' '}
            <span class="muted">
              from <PlainText class="mono" text={entry.address} />
            </span>
          </>
        )}
        <Changes of={entry} />
      </span>
    </li>
  )
}

/** The fields that changed, before → after. On create and delete the whole key is one of them: then nothing is listed. */
function Changes({ of: { before, after, action } }: { of: AuditEntry }) {
  if (action === 'refused' && after !== null) {
    return <PlainText class="change mono" text={JSON.stringify(after)} />
  }
  if (before === null || after === null) return null
  if (action === 'rotate' || action === 'end_grace') return <SecretChange before={before} after={after} />
  return (
    <>
      {Object.keys(after).map((field) => (
        <span key={field} class="change">
          {fieldLabels[field] ?? field}: <PlainText class="mono" text={fieldText(field, before[field])} /> →{' '}
          <PlainText class="mono" text={fieldText(field, after[field])} />
        </span>
      ))}
    </>
  )
}

type Fields = Record<string, unknown>

/** Which secret was ended, and which one was made. */
function SecretChange({ before, after }: { before: Fields; after: Fields }) {
  const [had, has] = [secretsOf(before), secretsOf(after)]
  const lacks = (list: Fields[], { id }: Fields) => list.every((secret) => secret.id !== id)
  const lines = [
    ...had.filter((secret) => lacks(has, secret)).map((secret) => ({ secret, word: 'ended secret' })),
    ...has.filter((secret) => lacks(had, secret)).map((secret) => ({ secret, word: 'new secret' })),
  ]
  return (
    <>
      {lines.map(({ secret, word }) => (
        <span key={String(secret.id)} class="change">
          {word} <PlainText class="mono" text={`${String(secret.start)}…`} />
        </span>
      ))}
    </>
  )
}

function secretsOf({ secrets }: Fields): Fields[] {
  return Array.isArray(secrets) ? secrets : []
}
