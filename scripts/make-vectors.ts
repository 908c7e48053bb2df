/** Writes firmware-protocol/vectors/*.json, the examples that every implementation of SPEC must reproduce. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { blockVectors } from './vectors/blocks.ts'
import { digestVectors } from './vectors/digests.ts'
import { frameVectors } from './vectors/frames.ts'
import { handshakeVectors } from './vectors/handshake.ts'
import { manifestVectors } from './vectors/manifests.ts'
import { messageVectors } from './vectors/messages.ts'
import { pairingVectors } from './vectors/pairing.ts'
import { transferVectors } from './vectors/transfer.ts'

/** One vector a line, so that a change shows as the lines it touches. */
function format(groups: Readonly<Record<string, readonly unknown[]>>): string {
  const group = ([name, vectors]: [string, readonly unknown[]]) =>
    `  ${JSON.stringify(name)}: [\n${vectors.map(vector => `    ${JSON.stringify(vector)}`).join(',\n')}\n  ]`
  return `{\n${Object.entries(groups).map(group).join(',\n')}\n}\n`
}

/** The last three are recorded from firmware-protocol/wasm/board.wasm; the others need nothing but this code. */
const files: Readonly<Record<string, () => Readonly<Record<string, readonly unknown[]>>>> = {
  frames: frameVectors,
  messages: messageVectors,
  digests: digestVectors,
  blocks: blockVectors,
  manifests: manifestVectors,
  handshake: handshakeVectors,
  transfer: transferVectors,
  pairing: pairingVectors,
}

for (const [name, vectors] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../firmware-protocol/vectors/${name}.json`, import.meta.url))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, format(vectors()))
}
