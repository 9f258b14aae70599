/** A request that has passed, while somebody else still decides whether it counts as accepted. */
export interface UndecidedCount {
  /** Whether an endpoint has it, which may still refuse it. Otherwise a guard has let it through. */
  isAtEndpoint: boolean
  readonly events: number
  accept(): void
}
