import { fail, ok, type Result } from '../kernel/result.ts'
import { decodeManifest, type Manifest, type ManifestFault, manifestFixedBytes } from './manifest.ts'
import { blockEntry } from './message-layouts.ts'

/** Manifest and image as a file. */
export interface Pxg {
  /** Encoded (SPEC §10.2). */
  readonly manifest: Uint8Array
  readonly image: Uint8Array
}

export type PxgFault =
  | { readonly kind: 'not-pxg' }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'leftover'; readonly extraBytes: number }
  | { readonly kind: 'bad-manifest'; readonly fault: ManifestFault }

const magic = new TextEncoder().encode('PXG1')

/** A `.pxg` file (SPEC §10.14). */
export const encodePxg = ({ manifest, image }: Pxg): Uint8Array => Buffer.concat([magic, manifest, image])

/** The parts of a `.pxg` file, as views of it; the image is not checked against its hash. */
export function decodePxg(file: Uint8Array): Result<Pxg & { readonly fields: Manifest }, PxgFault> {
  if (magic.some((byte, at) => file[at] !== byte)) return fail({ kind: 'not-pxg' })
  const rest = file.subarray(magic.length)
  if (rest.length < manifestFixedBytes) return fail({ kind: 'truncated' })
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength)
  const manifestBytes =
    manifestFixedBytes + view.getUint16(2, true) * blockEntry.sizeBytes + view.getUint8(27)
  if (rest.length < manifestBytes) return fail({ kind: 'truncated' })
  const manifest = rest.subarray(0, manifestBytes)
  const fields = decodeManifest(manifest)
  if (!fields.ok) return fail({ kind: 'bad-manifest', fault: fields.fault })
  const image = rest.subarray(manifestBytes)
  const extraBytes = image.length - fields.value.imageBytes
  if (extraBytes < 0) return fail({ kind: 'truncated' })
  if (extraBytes > 0) return fail({ kind: 'leftover', extraBytes })
  return ok({ manifest, image, fields: fields.value })
}
