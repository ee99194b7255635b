// smaller(): a picture of at most 256 colours from one of millions, for pictures of flat pages: a third of the bytes.
//
// PNG as a browser writes it (8 bits a channel, RGB or RGBA, not interlaced) becomes PNG with a palette. The most frequent
// colours are kept, and the others, edges of letters mostly, become the nearest of those.
'use strict'

const zlib = require('zlib')

const MOST = 256

function chunksOf (png) {
  const chunks = {}
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    const name = png.toString('latin1', at + 4, at + 8)
    chunks[name] = Buffer.concat([chunks[name] || Buffer.alloc(0), png.subarray(at + 8, at + 8 + length)])
    at += 12 + length
  }
  return chunks
}

function paeth (a, b, c) {
  const p = a + b - c
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

// Undoes the filter of each row: PNG, section 9.
function pixelsOf (data, width, height, channels) {
  const row = width * channels
  const out = Buffer.alloc(row * height)
  for (let y = 0; y < height; ++y) {
    const filter = data[y * (row + 1)]
    for (let x = 0; x < row; ++x) {
      const left = x >= channels ? out[y * row + x - channels] : 0
      const up = y > 0 ? out[(y - 1) * row + x] : 0
      const corner = x >= channels && y > 0 ? out[(y - 1) * row + x - channels] : 0
      const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
      out[y * row + x] = data[y * (row + 1) + 1 + x] + add
    }
  }
  return out
}

function paletteOf (pixels, channels) {
  const seen = new Map()
  for (let at = 0; at < pixels.length; at += channels) {
    const colour = pixels.readUIntBE(at, 3)
    seen.set(colour, (seen.get(colour) || 0) + 1)
  }
  const kept = [...seen.entries()].sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([colour]) => colour)
  const places = new Map(kept.map((colour, at) => [colour, at]))
  const far = (a, b) => [16, 8, 0].reduce((sum, by) => sum + (((a >> by) & 255) - ((b >> by) & 255)) ** 2, 0)
  for (const colour of seen.keys()) {
    if (places.has(colour)) continue
    let best = 0
    for (let at = 1; at < kept.length; ++at) if (far(colour, kept[at]) < far(colour, kept[best])) best = at
    places.set(colour, best)
  }
  return { kept, places }
}

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; ++bit) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
function chunk (name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  let crc = 0xffffffff
  for (const byte of body) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8)
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return Buffer.concat([length, body, check])
}

function smaller (png) {
  const { IHDR, IDAT } = chunksOf(png)
  const [width, height, channels] = [IHDR.readUInt32BE(0), IHDR.readUInt32BE(4), IHDR[9] === 6 ? 4 : 3]
  const pixels = pixelsOf(zlib.inflateSync(IDAT), width, height, channels)
  const { kept, places } = paletteOf(pixels, channels)
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) rows[y * (width + 1) + 1 + x] = places.get(pixels.readUIntBE((y * width + x) * channels, 3))
  }
  const colours = Buffer.alloc(3 * kept.length)
  kept.forEach((colour, at) => colours.writeUIntBE(colour, 3 * at, 3))
  const header = Buffer.from(IHDR)
  header[9] = 3  // by palette
  return Buffer.concat([png.subarray(0, 8), chunk('IHDR', header), chunk('PLTE', colours),
    chunk('IDAT', zlib.deflateSync(rows, { level: 9, memLevel: 9 })), chunk('IEND', Buffer.alloc(0))])
}

module.exports = { smaller }
