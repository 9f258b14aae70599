import type { z } from 'zod'
import type {
  createdKeySchema,
  keyListSchema,
  keySchema,
  keyWithVolumeSchema,
  rotatedKeySchema,
} from '../admin/key-schema.ts'
import type { checkSchema } from '../admin/routes/secrets.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { Values } from './arguments.ts'
import type { ManagementClient } from './management-client.ts'
import type { Terminal } from './terminal.ts'

/** One run of a command. */
export interface CommandRun {
  client: ManagementClient
  /** Positional arguments behind the command's name. */
  args: readonly string[]
  values: Values
  terminal: Terminal
}

/** Answers `unchanged` when everything was like that already. */
export type Command = (run: CommandRun) => Promise<unknown>

export type KeyJson = z.output<typeof keySchema>
export type CreatedKeyJson = z.output<typeof createdKeySchema>
export type RotatedKeyJson = z.output<typeof rotatedKeySchema>
export type ListedKeyJson = z.output<typeof keyWithVolumeSchema>
export type KeyPageJson = z.output<typeof keyListSchema>
export type CheckJson = z.output<typeof checkSchema> & { reason: Reason | null }
