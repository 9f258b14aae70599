/** An option of a command. */
export interface Flag {
  /** What stands behind it, for the help; absent: nothing does. */
  readonly value?: string
  readonly help: string
}

export type Flags = Readonly<Record<string, Flag>>
