import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Decision } from '../api/wire.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { debuggerHref } from '../route.ts'
import { canWrite } from '../session.ts'
import { toCurl } from '../words/curl.ts'
import { fixFor } from '../words/fixes.ts'
import { formatCount, formatDateTime } from '../words/format.ts'
import { FixDialog } from './fix-dialog.tsx'

/** All that is known of one decision. */
export function DecisionDetails({ of: decision }: { of: Decision }) {
  const [fixing, setFixing] = useState(false)
  const fix = fixFor(decision)
  const link = debuggerHref({ key_id: decision.key_id, open: decision.ref })
  return (
    <div class="details">
      <dl class="facts-list">
        <Fact label="Time">{formatDateTime(decision.at)}</Fact>
        <Fact label="Answer">
          {decision.status}
          {decision.verdict === 'accepted' && ' (let through; the application answers)'}
        </Fact>
        <Fact label="Request">
          <PlainText class="mono" text={`${decision.method ?? '?'} ${decision.path ?? '?'}`} />
        </Fact>
        <Fact label="Process">
          <PlainText text={decision.process} />
        </Fact>
        {decision.secret_id !== null && (
          <Fact label="Secret">
            <span class="mono">{decision.secret_id}</span>
          </Fact>
        )}
        {decision.sdk !== null && (
          <Fact label="SDK">
            <PlainText text={decision.sdk} />
          </Fact>
        )}
        {decision.bytes !== null && <Fact label="Size">{formatCount(decision.bytes)} bytes</Fact>}
        {decision.took_ms !== null && <Fact label="Time taken">{Math.round(decision.took_ms)} ms</Fact>}
      </dl>
      {decision.headers !== null && (
        <details>
          <summary>Headers, less those that may hold a secret</summary>
          <dl class="facts-list">
            {Object.entries(decision.headers).map(([name, value]) => (
              <Fact key={name} label={name}>
                <PlainText class="mono" text={value} />
              </Fact>
            ))}
          </dl>
        </details>
      )}
      {decision.payload !== null ? (
        <Payload text={decision.payload} />
      ) : (
        <p class="hint">The payload is not kept: see keepPayloads in the documentation.</p>
      )}
      <div class="actions">
        {fix !== null && canWrite() && (
          <button type="button" class="small primary" onClick={() => setFixing(true)}>
            {fix.label}
          </button>
        )}
        <CopyButton text={toCurl(decision)} label="Copy as curl" />
        <CopyButton text={new URL(link, location.href).href} label="Copy link" />
        <a href={link}>Permalink</a>
      </div>
      {fixing && fix !== null && decision.key_id !== null && (
        <FixDialog keyId={decision.key_id} fix={fix} onClose={() => setFixing(false)} />
      )}
    </div>
  )
}

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>
        <bdi>{label}</bdi>
      </dt>
      <dd>{children}</dd>
    </div>
  )
}

function Payload({ text }: { text: string }) {
  const [isRaw, setRaw] = useState(false)
  return (
    <div>
      <fieldset class="segments" aria-label="Payload">
        <button type="button" aria-pressed={!isRaw} onClick={() => setRaw(false)}>
          Pretty
        </button>
        <button type="button" aria-pressed={isRaw} onClick={() => setRaw(true)}>
          Raw
        </button>
      </fieldset>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <pre tabIndex={0}>{isRaw ? text : pretty(text)}</pre>
    </div>
  )
}

/** A truncated payload is not JSON any more: show it as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
