interface Made {
  readonly write_key: { readonly workspace: string | null }
}

/**
 * What a dry run would make, for its next call: a file may go to the server in several calls, and none of them stores
 * anything that the next could see.
 */
export function createImportPlan() {
  const counts = new Map<string, number>()
  return {
    add({ write_key: { workspace } }: Made): void {
      if (workspace !== null) counts.set(workspace, (counts.get(workspace) ?? 0) + 1)
    },
    /** `dry_run` and what goes with it, as a call takes them. */
    toBody: () => ({ dry_run: true, ...(counts.size > 0 && { planned: Object.fromEntries(counts) }) }),
  }
}
