import { readdirSync } from 'node:fs'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { exporters } from '../../../src/pattern/export/exporters.ts'
import { createPattern, type Pattern } from '../../../src/pattern/pattern.ts'
import {
  openBest,
  ownSample,
  seeded,
  sharedPath,
  sharedSample,
  value,
  withoutSamples,
} from '../pattern-files.ts'
import { bombs } from './bombs.ts'

export interface IntactFile {
  /** Format of its best reading. */
  readonly family: string
  readonly name: string
  readonly bytes: Uint8Array
}

const sampleFolders = ['bin', 'fseq', 'gif', 'jinx', 'leds']

/** Files to damage: every sample, what every exporter writes of a few drawings, and small files that promise huge ones. */
export function corpus(): readonly IntactFile[] {
  const samples = ['comet.gif', 'lantern.leds'].map(name => ({ name, bytes: ownSample(name) }))
  const others = withoutSamples === false ? sampleFolders.flatMap(samplesOf) : []
  return [...samples, ...others, ...exported(), ...bombs()].map(file => ({ family: familyOf(file), ...file }))
}

const samplesOf = (folder: string) =>
  readdirSync(sharedPath(folder)).map(name => ({ name, bytes: sharedSample(`${folder}/${name}`) }))

function familyOf({ name, bytes }: { readonly name: string; readonly bytes: Uint8Array }): string {
  const detected = detectPattern(bytes, { fileName: name })
  if (detected.ok) return detected.value[0]?.format ?? 'none'
  return detected.fault.kind === 'unsupported' ? 'unread' : (name.split('.').at(-1) ?? 'none')
}

/** What an exporter refuses, such as a strip in a format of pictures, is left out. */
function exported(): readonly { name: string; bytes: Uint8Array }[] {
  return exporters.flatMap(exporter =>
    drawings().flatMap((pattern, at) => {
      const written = exporter.write(pattern, {})
      if (!written.ok) return []
      return [{ name: `${exporter.format}-${at}${exporter.extensions[0]}`, bytes: written.value.bytes }]
    }),
  )
}

function drawings(): readonly Pattern[] {
  const lantern = openBest(ownSample('lantern.leds'))
  return [
    { ...lantern, frames: lantern.frames.slice(0, 12) },
    noise('odd', 5, 3, 7),
    noise('strip', 30, 1, 20),
    noise('one', 1, 1, 1),
  ]
}

function noise(name: string, width: number, height: number, count: number): Pattern {
  const random = seeded(width)
  const frames = Array.from({ length: count }, (_, frame) => ({
    delayMs: frame % 3 === 0 ? 40 : 100,
    pixels: Uint8Array.from({ length: width * height * 3 }, () => random() * 256),
  }))
  return value(createPattern({ name, width, height, frames, loopCount: 0 }))
}
