import type { Secret, WriteKey } from '../api/wire.ts'

const states: Readonly<Record<WriteKey['status'], string>> = {
  active: 'accepts events again.',
  paused: 'was paused.',
  revoked: 'was revoked.',
}

/** What somebody's own change has done to a key, after its name. Null if a dialog tells, or nothing has changed. */
export function describeChange(before: WriteKey, after: WriteKey): string | null {
  if (after.name !== before.name) return 'is the new name of this key.'
  if (after.status !== before.status) return states[after.status]
  const made = without(after, before)
  const ended = without(before, after)
  if (made !== undefined) return null
  if (ended !== undefined) return `has one secret less: ${ended.start}… has ended.`
  return after.version === before.version ? null : 'was changed.'
}

/** A secret of the first that the second does not have. */
function without(one: WriteKey, other: WriteKey): Secret | undefined {
  return one.secrets.find(({ id }) => other.secrets.every((secret) => secret.id !== id))
}
