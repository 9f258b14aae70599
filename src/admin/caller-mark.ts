/** The request header in which a client says who it believes to be. */
export const callerHeader = 'X-WriteKey-Caller'

/** A caller, as `GET …/session` describes one. */
export interface MarkedCaller {
  name: string
  role: string
  workspace: string | null
}

/** What the header holds: ASCII, whatever the name. */
export function callerMark({ name, role, workspace }: MarkedCaller): string {
  // JSON escapes half a surrogate pair, which percent-encoding would refuse.
  return encodeURIComponent(JSON.stringify([name, role, workspace]))
}
