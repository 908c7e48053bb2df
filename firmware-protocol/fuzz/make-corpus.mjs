// Seeds for the fuzzers out of the vectors: node make-corpus.mjs <folder of vectors> <folder of corpora>
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [vectors, target] = process.argv.slice(2)
const load = name => JSON.parse(readFileSync(join(vectors, `${name}.json`), 'utf8'))
const hex = text => Buffer.from(text, 'hex')
let written = 0

function seed(fuzzer, bytes) {
  const folder = join(target, fuzzer)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, createHash('sha1').update(bytes).digest('hex')), bytes)
  written++
}

// What a host said, frame by frame, and what came of single frames.
for (const name of ['handshake', 'transfer', 'pairing'])
  for (const { steps } of load(name).cases)
    seed('stream', Buffer.concat(steps.filter(step => step.host).map(step => hex(step.host))))
const { valid, invalid, streams } = load('frames')
for (const { wire } of [...valid, ...invalid, ...streams]) if (wire) seed('stream', hex(wire))

// Steps of fuzz-session: what, how, length, bytes; six bytes before them choose the board.
const step = (what, how = 0, ...bytes) => [what, how, bytes.length, ...bytes]
const [time, restart, cut, noise, upload, bundle, block, finish] = [64, 65, 66, 67, 69, 70, 72, 74]
const stories = {
  'an upload': [step(upload), step(finish), step(time, 0, 90, 1)],
  'a second over the first': [step(upload), step(finish), step(bundle, 1), step(upload), step(finish), step(0x26)],
  'a delta': [step(bundle, 2), step(upload), step(finish), step(bundle, 1), step(0x10), step(0x11), step(0x13), step(0x13), step(0x13), step(0x13), step(0x15, 8, 0, 0, 0, 0, 0, 3, 0), step(0x16)],
  'a cut and a resumption': [step(cut, 0, 200, 1), step(upload), step(restart), step(upload)],
  'a trial that ends': [step(upload), step(0x17, 128, 0, 2), step(time, 1, 255, 1), step(0x28)],
  'light': [step(0x31, 0, 100, 0, 3, 1, 2, 3), step(0x30, 0, 100, 0, 0, 0, 1, 9, 9, 9), step(time, 0, 50), step(0x29, 0, 200, 1), step(time, 1, 50)],
  'queries': [step(upload), ...[0x20, 0x28, 0x1b, 0x24, 0x25, 0x26, 0x27].map(type => step(type, 0, ...(type === 0x20 ? [0] : type === 0x1b ? [0, 0, 0] : [])))],
  'settings': [step(0x23, 0, 128), step(0x2b, 0, ...Array(16).fill(7)), step(0x07, 0, 0, 194, 1, 0), step(time, 1, 40), step(0x2a), step(0x18, 128, 0), step(0x19), step(0x1a)],
  'a key, a proof, an upload under it': [step(0x2b, 0, ...Array(16).fill(7)), step(0x2c, 0, 2, 9), step(upload, 0, 71), step(finish), step(0x01), step(upload, 0, 34), step(0x2c, 0, 0, 1), step(0x2c, 0, 1), step(0x2c, 0, 2, 4), step(0x2c, 0, 3)],
  'a stranger at a paired board': [step(upload), step(0x2b, 0, ...Array(16).fill(7)), step(0x2c, 0, 2, 9), step(upload), step(finish), step(restart), step(0x01), step(0x2c, 0, 0, 0), step(0x2c, 0, 1, 0, 5, 1), step(0x23, 0, 9)],
  'noise': [step(noise, 0, 1, 2, 3, 0, 0, 5, 5), step(0x05), step(0x08, 0, 1, 2, 3)],
  'frames that come late': [step(bundle, 2), step(0x10), step(0x11), step(0x13, 64, 2), step(0x13, 64, 1), step(0x13), step(0x13, 1), step(0x11, 0, 9)],
}
for (const codec of [1, 2, 3])
  stories[`codec ${codec}`] = [
    step(block, codec, 1, 20, ...{ 1: [128, 7, 8, 9], 2: [1, 9, 9, 9, 7, 7, 7, 0, 1, 0x80], 3: [2, 1, 2, 3, 0xc0, 2] }[codec]),
    step(upload), step(finish), step(time, 1, 9),
  ]
for (const steps of Object.values(stories))
  for (const shape of [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 64, 64], [4, 2, 4, 4, 0, 33]])
    for (const fuzzer of ['session', 'small']) seed(fuzzer, Buffer.from([...shape, ...steps.flat()]))

// Limits of fuzz-manifest, then the manifest.
for (const { bytes } of Object.values(load('manifests')).flat()) {
  if (!bytes) continue
  const manifest = hex(bytes)
  const limits = Buffer.alloc(12)
  if (manifest.length >= 104) {
    manifest.copy(limits, 1, 4, 8)
    manifest.copy(limits, 5, 2, 4)
  }
  limits.writeUInt16LE(0xffff, 7)
  limits[9] = 15
  limits.writeUInt16LE(0xffff, 10)
  for (const flags of [0, 3]) {
    limits[0] = flags
    seed('manifest', Buffer.concat([limits, manifest]))
  }
}

// Codec, frames, LEDs, two slice sizes, then the stored block.
for (const vector of Object.values(load('blocks')).flat()) {
  const { codec, leds, channels, frames, stored } = vector
  if (stored === undefined || leds > 1023 || (channels !== 3 && channels !== 4)) continue
  const head = [(codec & 7) | ((channels - 3) << 3) | ((leds >> 8) << 6), frames, leds & 255, 3, 40]
  seed('block', Buffer.concat([Buffer.from(head), hex(stored)]))
}
process.stdout.write(`${written} seeds\n`)
