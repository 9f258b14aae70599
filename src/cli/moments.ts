/** A moment without the milliseconds, which nobody reads. */
export function seconds<Moment extends string | null>(moment: Moment): Moment {
  return moment === null ? moment : (moment.replace(/\.\d{3}Z$/, 'Z') as Moment)
}
