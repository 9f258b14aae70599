import { useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { Countdown } from '../parts/time.tsx'
import { snippetsFor } from '../words/snippets.ts'
import { TestEvent } from './test-event.tsx'

interface SecretRevealProps {
  title: string
  writeKey: WriteKey
  secret: string
  graceExpiresAt?: string
  onClose: () => void
}

/** Shows a secret the only time that it can be shown. The secret exists only in this component's state. */
export function SecretReveal({ title, writeKey, secret, graceExpiresAt, onClose }: SecretRevealProps) {
  const types = writeKey.allowed_event_types
  const eventType = types === null || types.includes('track') ? 'track' : (types[0] ?? 'track')
  const snippets = snippetsFor(secret, writeKey.source_type, eventType)
  const [shown, setShown] = useState(0)
  const [isCopied, setCopied] = useState(false)
  const snippet = snippets[shown] ?? snippets[0]
  return (
    <Dialog
      title={title}
      wide
      loss={isCopied ? null : 'The secret has not been copied. Once this is closed nobody can show it again.'}
      discard="Close without copying"
      onClose={onClose}
    >
      <div
        class="dialog-body"
        onCopy={() => {
          if (getSelection()?.toString().includes(secret)) setCopied(true)
        }}
      >
        <Notice level="warn">
          Copy the secret of <PlainText class="strong" text={writeKey.name} /> now. It is shown only once and
          cannot be shown again.
        </Notice>
        <div class="secret">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long secrets scroll, also by keyboard */}
          <code id="secret" tabIndex={0}>
            {secret}
          </code>
          <CopyButton text={secret} label="Copy" primary onCopied={() => setCopied(true)} />
        </div>
        {graceExpiresAt !== undefined && (
          <p>
            {Date.parse(graceExpiresAt) > Date.now() ? (
              <>
                Earlier secrets are accepted for another <Countdown time={graceExpiresAt} />.
              </>
            ) : (
              'Earlier secrets are no longer accepted.'
            )}
          </p>
        )}
        <div class="snippets">
          <fieldset class="segments" aria-label="Example">
            {snippets.map(({ title: name }, index) => (
              <button key={name} type="button" aria-pressed={index === shown} onClick={() => setShown(index)}>
                {name}
              </button>
            ))}
            <span class="grow" />
            <CopyButton
              text={snippet?.code ?? ''}
              label="Copy example"
              onCopied={() => {
                if (snippet?.code.includes(secret)) setCopied(true)
              }}
            />
          </fieldset>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
          <pre tabIndex={0}>{snippet?.code}</pre>
        </div>
        <TestEvent secret={secret} eventType={eventType} />
      </div>
      <footer class="dialog-foot">
        <button type="button" class="primary" onClick={onClose}>
          I have copied it
        </button>
      </footer>
    </Dialog>
  )
}
