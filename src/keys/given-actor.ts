import { unknownOption } from '../runtime/call-options.ts'
import { describeValue } from '../runtime/config-error.ts'
import { invalidField } from '../runtime/errors.ts'
import { givenNames } from '../runtime/given-fields.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import type { Actor } from './audit-entry.ts'

const fields = ['name', 'address', 'workspace'] as const satisfies (keyof Actor)[]

/**
 * The fields of an actor. It may be an application's own user, with more of them: those are not read. Refused is a name that looks like a
 * field which is missing, because a caller without their workspace has more rights.
 * @throws KeyError `invalid_field`
 */
export function readActor(given: unknown): Actor {
  const names = givenNames(given, fields)
  if (names === undefined)
    throw invalidField(
      'actor',
      `must be an object, such as { name: 'ops' }; received ${describeValue(given)}`,
    )
  const actor = given as Record<string, unknown>
  for (const name of names) {
    const meant = nearestName(name, fields)
    if (meant === undefined || actor[meant] !== undefined) continue
    // The others are notes for the audit log; what is no text is something else, such as a user's addresses.
    if (name !== meant && (meant === 'workspace' || typeof actor[name] === 'string'))
      throw unknownOption('actor', name, fields)
  }
  if (actor.workspace === undefined && 'workspace' in actor)
    throw invalidField(
      'actor.workspace',
      'must be a text, or be left out for an operator; received undefined',
    )
  const read: Record<string, unknown> = {}
  for (const field of fields) {
    const value = actor[field]
    if (value !== undefined && value !== null && typeof value !== 'string')
      throw invalidField(`actor.${field}`, `must be a text; received ${describeValue(value)}`)
    // A user of no workspace has not the rights of an operator.
    if (value !== undefined && (value !== null || field === 'workspace')) read[field] = value
  }
  return read as unknown as Actor
}
