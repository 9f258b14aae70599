/** An option of a command. */
export interface Flag {
  /** What stands behind it, for the help; absent: nothing does. */
  readonly value?: string
  readonly help: string
  /** All the values there are. */
  readonly words?: readonly string[]
}

export type Flags = Readonly<Record<string, Flag>>
