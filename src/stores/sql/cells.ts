/** A value as a driver returns it: pg returns 64-bit numbers as text. */
export type NumberCell = number | string | bigint
/** A number with fractions; eight bytes from PostgreSQL, see `fractionColumn`. */
export type FractionCell = NumberCell | BytesCell
type BytesCell = Uint8Array | ArrayBuffer
export type HashCell = BytesCell
/** Text of people; bytes from MySQL, see `textColumn`. */
export type TextCell = string | Uint8Array

export function toHash(keyHash: string): Buffer {
  return Buffer.from(keyHash, 'hex')
}

export function fromHash(cell: HashCell): string {
  return toBytes(cell).toString('hex')
}

export function fromFraction(cell: FractionCell): number {
  return typeof cell === 'object' ? toBytes(cell).readDoubleBE() : Number(cell)
}

function toBytes(cell: BytesCell): Buffer {
  return cell instanceof ArrayBuffer
    ? Buffer.from(cell)
    : Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength)
}

export function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

export function fromJson<T>(cell: TextCell | null): T | null {
  return cell === null ? null : (JSON.parse(toText(cell)) as T)
}

export function toText(cell: TextCell): string {
  return typeof cell === 'string' ? cell : Buffer.from(cell).toString('utf8')
}

export function toNumber(cell: NumberCell | null): number | null {
  return cell === null ? null : Number(cell)
}
