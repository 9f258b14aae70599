import type { WriteKey } from '../api/wire.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { Ago, ReadAt } from '../parts/time.tsx'
import { sources } from '../words/source-defaults.ts'

/** The line below the name of a key: id, source, environment, times. */
export function KeyFacts({ of: key, readAt }: { of: WriteKey; readAt: number | null }) {
  return (
    <p class="facts">
      <span class="mono">{key.id}</span> <CopyButton text={key.id} label="Copy id" />
      <span>{sources[key.source_type]?.label ?? key.source_type}</span>
      <PlainText text={key.environment} />
      {key.workspace !== null && <PlainText text={key.workspace} />}
      <span>
        created <Ago time={key.created_at} />
      </span>
      {key.revoked_at !== null && (
        <span>
          revoked <Ago time={key.revoked_at} />
        </span>
      )}
      <ReadAt time={readAt} />
    </p>
  )
}
