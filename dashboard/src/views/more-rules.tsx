import { TextList } from '../parts/text-list.tsx'
import type { KeyFormPart } from './key-form.tsx'

/** Rules that few keys need, folded away. */
export function MoreRules({ form, set, invalid, isNew }: KeyFormPart & { isNew: boolean }) {
  return (
    <details class="more">
      <summary>More rules</summary>
      <div class="grid-2">
        <TextList
          label="Allowed event names, one per line"
          name="allowed_event_names"
          placeholder="billing/*"
          invalid={invalid('allowed_event_names')}
          value={form.allowedNames}
          onInput={(allowedNames) => set({ allowedNames })}
        />
        <TextList
          label="Denied event names, one per line"
          name="denied_event_names"
          invalid={invalid('denied_event_names')}
          value={form.deniedNames}
          onInput={(deniedNames) => set({ deniedNames })}
        />
        <TextList
          label="Allowed addresses, one per line"
          name="allowed_ips"
          placeholder="203.0.113.0/24"
          invalid={invalid('allowed_ips')}
          value={form.allowedIps}
          onInput={(allowedIps) => set({ allowedIps })}
        />
        <TextList
          label="Denied addresses, one per line"
          name="denied_ips"
          invalid={invalid('denied_ips')}
          value={form.deniedIps}
          onInput={(deniedIps) => set({ deniedIps })}
        />
        <label>
          Expires
          <input
            type="datetime-local"
            name="expires_at"
            aria-invalid={invalid('expires_at')}
            value={form.expiresAt}
            onInput={(event) => set({ expiresAt: event.currentTarget.value })}
          />
        </label>
        {isNew && (
          <label>
            Environment
            <input
              name="environment"
              placeholder="that of this application"
              maxLength={64}
              aria-invalid={invalid('environment')}
              value={form.environment}
              onInput={(event) => set({ environment: event.currentTarget.value })}
            />
          </label>
        )}
        <TextList
          label="Metadata, a JSON object"
          name="metadata"
          placeholder={'{"team":"growth"}'}
          invalid={invalid('metadata')}
          value={form.metadata}
          onInput={(metadata) => set({ metadata })}
        />
      </div>
    </details>
  )
}
