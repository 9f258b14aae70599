/** An option of a command. */
export interface Flag {
  /** What stands behind it, for the help; absent: nothing does. */
  readonly value?: string
  readonly help: string
  /** All the values there are. */
  readonly words?: readonly string[]
}

export type Flags = Readonly<Record<string, Flag>>

/** A command, as it is read and as its help tells it. */
export interface CommandSpec {
  readonly summary: string
  /** What stands behind its name beside options, e.g. `ID`. */
  readonly args?: string
  readonly flags: Flags
  readonly examples: readonly string[]
  /** What is said in whole sentences under the summary. */
  readonly more?: string
  /** Whether it changes keys, and so says where. */
  readonly changes?: true
  /** Where it works: on a store or over a server's API; on a store alone; on neither. */
  readonly on: 'either' | 'store' | 'nothing'
}

/** Of commands that know a key by its secret. */
export const secretStdin: Flag = { help: 'The key whose secret is on standard input.' }
