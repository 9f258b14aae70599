import { hasNoRoom } from './driver-errors.ts'

/** Who may give up a connection for a question. */
export interface Room {
  /**
   * Called when the server takes no further connection.
   * @returns whether one has been given up
   */
  makeRoom?(reason: unknown): Promise<boolean>
}

/** Once more, where room was made: what found no connection has done nothing. */
export async function inRoom<T>({ makeRoom }: Room, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!hasNoRoom(error) || !(await makeRoom?.(error))) throw error
    return run()
  }
}
