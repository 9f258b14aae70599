/** What a shell sees: documented, so that scripts can rely on them. */
export const exitCodes = {
  /** Done; with `check`: the request would be accepted. */
  ok: 0,
  /** Refused: no such key, a conflict, not confirmed; with `check`: the request would be refused. */
  refused: 1,
  /** The command line, the environment or a value is wrong. Nothing was done. */
  usage: 2,
  /** The store, or a port, cannot be reached. */
  unavailable: 3,
  /** `check`: the key is good, and stands where it is read only if the option `credentials` says so. */
  misplaced: 4,
  /** Ctrl-C, or the process was asked to end, before it was done. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with a message for people and an exit code for scripts. */
export class CliError extends Error {
  override readonly name = 'CliError'

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** What the management API calls it, where that is why. */
    readonly code?: string,
  ) {
    super(message)
  }
}

export function usageError(message: string): CliError {
  return new CliError(exitCodes.usage, message)
}
