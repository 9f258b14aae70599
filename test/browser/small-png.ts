import { crc32, deflateSync, inflateSync } from 'node:zlib'

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const maxColours = 256

/**
 * A browser's screenshot (8 bits, RGB or RGBA, opaque) with its 256 most frequent colours and the nearest of them for the
 * others, which for a page of text looks the same and is a third of the size.
 */
export function toSmallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png)
  const counts = new Map<number, number>()
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
  const palette = [...counts.keys()]
    .sort((a, b) => (counts.get(b) as number) - (counts.get(a) as number))
    .slice(0, maxColours)
  const places = new Map(palette.map((colour, place) => [colour, place]))
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = pixels[y * width + x] as number
      let place = places.get(pixel)
      if (place === undefined) {
        place = nearest(palette, pixel)
        places.set(pixel, place)
      }
      rows[y * (width + 1) + 1 + x] = place
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  const colours = Buffer.from(palette.flatMap((pixel) => [pixel >> 16, (pixel >> 8) & 255, pixel & 255]))
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function nearest(palette: readonly number[], pixel: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let place = 0; place < palette.length; place++) {
    const colour = palette[place] as number
    const red = (colour >> 16) - (pixel >> 16)
    const green = ((colour >> 8) & 255) - ((pixel >> 8) & 255)
    const blue = (colour & 255) - (pixel & 255)
    const distance = red * red + green * green + blue * blue
    if (distance < least) {
      least = distance
      best = place
    }
  }
  return best
}

function decode(png: Buffer): { width: number; height: number; pixels: Uint32Array } {
  const width = png.readUInt32BE(16)
  const height = png.readUInt32BE(20)
  const bytes = png[25] === 6 ? 4 : 3
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  const raw = inflateSync(Buffer.concat(parts))
  const stride = width * bytes
  const pixels = new Uint32Array(width * height)
  let above = new Uint8Array(stride)
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1)
    const line = Uint8Array.from(raw.subarray(start + 1, start + 1 + stride))
    unfilter(raw[start] as number, line, above, bytes)
    for (let x = 0; x < width; x++) {
      const [red = 0, green = 0, blue = 0] = line.subarray(x * bytes, x * bytes + 3)
      pixels[y * width + x] = (red << 16) | (green << 8) | blue
    }
    above = line
  }
  return { width, height, pixels }
}

/** PNG (third edition), 9.2: filter types. */
function unfilter(type: number, line: Uint8Array, above: Uint8Array, bytes: number): void {
  for (let at = 0; at < line.length; at++) {
    const left = at < bytes ? 0 : (line[at - bytes] as number)
    const up = above[at] as number
    const corner = at < bytes ? 0 : (above[at - bytes] as number)
    const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][type] as number
    line[at] = ((line[at] as number) + add) & 255
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
