import { useEffect, useState } from 'preact/hooks'
import type { AuditEntry } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { Ago } from '../parts/time.tsx'
import { keyHref } from '../route.ts'
import { useApi } from '../session.ts'

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

  return (
    <>
      <ErrorNotice error={error} />
      {isRead && entries.length === 0 && <p class="muted pad">Nothing was changed yet.</p>}
      <ul class="audit">
        {entries.map((entry) => (
          <AuditLine key={entry.id} of={entry} showKey={keyId === undefined} />
        ))}
      </ul>
      {cursor !== null && (
        <button type="button" class="more-button" disabled={busy} onClick={() => void start(cursor)}>
          Show older
        </button>
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
          <a href={keyHref(entry.key_id)}>
            <PlainText text={typeof name === 'string' ? name : entry.key_id} />
          </a>
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
  if (before === null || after === null || action === 'rotate' || action === 'end_grace') return null
  return (
    <>
      {Object.keys(after).map((field) => (
        <span key={field} class="change">
          {field}: <PlainText class="mono" text={show(before[field])} /> →{' '}
          <PlainText class="mono" text={show(after[field])} />
        </span>
      ))}
    </>
  )
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
