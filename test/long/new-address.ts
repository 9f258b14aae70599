let count = 0

/** Another address each time, for a test whose many senders must not share a budget. */
export function newAddress(): string {
  count++
  return `10.${(count >> 16) & 255}.${(count >> 8) & 255}.${count & 255}`
}
