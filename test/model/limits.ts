/** How large the world of a search is, beside the faults and changes that its states still have left. */
export interface Limits {
  readonly leaseTicks: number
  /** Questions that one process has under way at a time. */
  readonly questions: number
  readonly states: number
}
