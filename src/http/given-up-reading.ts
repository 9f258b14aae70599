/**
 * Reads a stream piece by piece until its end, or until others need the room. Then the result is `null` at
 * once, although the stream may never answer, and the pieces are dropped.
 *
 * @param read collects into `chunks`, and hands `giveUp` to `hold`
 */
export function readUnlessGivenUp(
  read: (chunks: Uint8Array[], giveUp: () => void) => Promise<Uint8Array | null>,
): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    function giveUp(): void {
      chunks.length = 0
      resolve(null)
    }
    read(chunks, giveUp).then(resolve, reject)
  })
}
