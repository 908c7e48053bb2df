import { encodeManifest, type Manifest } from '../protocol/manifest.ts'
import type { Seal } from '../protocol/pairing.ts'

/** The manifest as a board wants it: under its pairing key, or under none (SPEC §9.7). */
export const sealManifest = (fields: Manifest, seal: Seal | undefined): Uint8Array =>
  seal?.manifest(fields) ?? encodeManifest({ ...fields, macType: 0, mac: new Uint8Array(0) })
