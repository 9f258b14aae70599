import { type FieldsWith, fieldEntries } from './fields.ts'

/** A field that a caller may set. */
export type SettableField = FieldsWith<{ settable: 'create' | 'always' }>
/** A field that may be left out, and cleared with `null`. */
export type OptionalField = Extract<FieldsWith<{ nullable: true }>, SettableField>

/** The fields that a caller may set on create or update. */
export function settableFields(when: 'create' | 'update'): readonly SettableField[] {
  return fieldEntries
    .filter(([, { settable }]) => settable === 'always' || (settable === 'create' && when === 'create'))
    .map(([name]) => name as SettableField)
}

/** The values of a key for which nothing was set. */
export const unsetFields = Object.fromEntries(
  fieldEntries
    .filter(([, { settable, nullable }]) => settable !== undefined && nullable === true)
    .map(([name]) => [name, null]),
) as { readonly [Name in OptionalField]: null }
