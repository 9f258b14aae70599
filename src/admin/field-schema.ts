import { z } from 'zod'
import {
  type FieldKind,
  type FieldName,
  type FieldsWith,
  fieldEntries,
  type KeyField,
  type KeyFields,
  keyFields,
  maxListEntries,
  trialFields,
} from '../keys/fields.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { type SettableField, settableFields } from '../keys/settable-fields.ts'
import { type SnakeCase, toSnakeCase } from '../runtime/letter-case.ts'
import { snakeCaseKeys } from './field-names.ts'

/** The JSON type of a field, by its kind. */
interface KindJson {
  text: string
  word: string
  number: number
  whole: number
  moment: string
  list: string[]
  json: Record<string, unknown>
  rules: Record<string, unknown>
}

type JsonOf<Field extends KeyField> =
  | (Field extends { words: readonly (infer Word)[] } ? Word : KindJson[Field['kind']])
  | (Field extends { nullable: true } ? null : never)

type SchemaOf<Name extends FieldName> = z.ZodType<JsonOf<KeyFields[Name]>, JsonOf<KeyFields[Name]>>

type AnswerShape = { [Name in FieldName as SnakeCase<Name>]: SchemaOf<Name> }
type UpdateField = FieldsWith<{ settable: 'always' }>
type UpdateShape = { [Name in UpdateField as SnakeCase<Name>]: z.ZodOptional<SchemaOf<Name>> }
type RequiredField = Exclude<UpdateField, FieldsWith<{ nullable: true }>>
type CreateShape = {
  [Name in SettableField as SnakeCase<Name>]: Name extends RequiredField
    ? SchemaOf<Name>
    : z.ZodOptional<SchemaOf<Name>>
}

/** The schemas of a key's fields: for a new key, for changes, and for an answer. */
export function fieldSchemas(): { create: CreateShape; update: UpdateShape; answer: AnswerShape } {
  const given = (when: 'create' | 'update', isRequired: (field: KeyField) => boolean) => {
    const schemas = settableFields(when).map((name) => {
      const schema = givenSchema(keyFields[name])
      return [name, isRequired(keyFields[name]) ? schema : schema.optional()] as const
    })
    return toShape([
      ...schemas.filter(([name]) => !isMoment(name)),
      ...schemas.filter(([name]) => isMoment(name)),
    ])
  }
  return {
    create: given(
      'create',
      ({ settable, nullable }) => settable === 'always' && nullable === undefined,
    ) as CreateShape,
    update: given('update', () => false) as UpdateShape,
    answer: toShape(fieldEntries.map(([name, field]) => [name, answerSchema(field)])) as AnswerShape,
  }
}

/** The values of a key's fields as JSON. */
export function fieldsToJson(key: WriteKey): z.output<z.ZodObject<AnswerShape>> {
  return Object.fromEntries(
    fieldEntries.map(([name, { kind }]) => {
      const value = key[name]
      return [toSnakeCase(name), value === null ? null : toJson[kind](value as never)]
    }),
  ) as z.output<z.ZodObject<AnswerShape>>
}

const asIs = (value: unknown) => value
/** Copies, so that changing an answer changes no key. */
const toJson: Readonly<Record<FieldKind, (value: never) => unknown>> = {
  text: asIs,
  word: asIs,
  number: asIs,
  whole: asIs,
  moment: (date: Date) => date.toISOString(),
  list: (list: readonly string[]) => [...list],
  json: (object: object) => ({ ...object }),
  rules: (rules: object) => snakeCaseKeys({ ...rules }),
}

function isMoment(name: FieldName): boolean {
  return keyFields[name].kind === 'moment'
}

function toShape(schemas: readonly (readonly [FieldName, z.ZodType])[]): Record<string, z.ZodType> {
  return Object.fromEntries(schemas.map(([name, schema]) => [toSnakeCase(name), schema]))
}

/** What a caller may send. The core checks it again, with more helpful messages. */
function givenSchema(field: KeyField): z.ZodType {
  const { nullable, description, maxLength } = field
  const schema = nullable ? valueSchema(field).nullable() : valueSchema(field)
  if (description === undefined) return schema
  return schema.meta({ ...(maxLength !== undefined && { maxLength }), description })
}

function valueSchema({ kind, words, pattern, range, maxLength = 0 }: KeyField): z.ZodType {
  if (words !== undefined) return z.enum(words)
  if (kind === 'list') return z.array(z.string().max(2_048)).max(maxListEntries)
  if (kind === 'rules') return z.strictObject(trialShape())
  if (kind === 'json') return z.record(z.string(), z.unknown())
  if (kind === 'moment') return z.iso.datetime({ offset: true })
  if (kind === 'number') return range === undefined ? z.number() : z.number().min(range[0]).max(range[1])
  if (pattern !== undefined) return z.string().regex(pattern)
  // Zod counts UTF-16 code units, JSON Schema and the core count characters.
  return z
    .string()
    .min(1)
    .max(2 * maxLength, `must have 1 to ${maxLength} characters`)
}

/** Rules with their names and limits. The core says what is wrong with an entry. */
function trialShape(): Record<string, z.ZodType> {
  return Object.fromEntries(
    trialFields.map((name) => [toSnakeCase(name), valueSchema(keyFields[name]).optional()]),
  )
}

/** The schema of an answer: for texts and moments only their type is promised. */
function answerSchema(field: KeyField): z.ZodType {
  const { kind, settable, words, pattern, nullable } = field
  if (kind === 'moment') return nullable ? z.iso.datetime().nullable() : z.iso.datetime()
  if (kind === 'whole') return z.int().min(1)
  if (settable === undefined) {
    if (nullable) return givenSchema(field)
    return pattern === undefined ? valueSchema(field) : z.string().regex(pattern)
  }
  if (words !== undefined) return z.enum(words)
  return kind === 'text' || kind === 'word' ? z.string() : givenSchema(field)
}
