import type { Test } from 'tap'
import type { Finished, Workplace } from '../support/pixelgate.ts'
import { type Frame, stdFile } from './drawings.ts'

/** Uploads a file to a strip that takes GRB, with the product's own command over the board's line, and checks that it says "done". */
export async function uploaded(
  t: Test,
  place: Workplace,
  { port }: { readonly port: string },
  file: string,
  ...more: readonly string[]
): Promise<Finished> {
  const done = await place.here('upload', file, '--port', port, '--color-order', 'GRB', '--json', ...more)
  t.equal(done.status, 0, `${done.status} ${done.last['event']} ${done.last['message'] ?? done.stderr}`)
  return done
}

/** The same with frames for LEDs in a row. */
export async function uploadedFrames(
  t: Test,
  place: Workplace,
  board: { readonly port: string },
  frames: readonly Frame[],
  ...more: readonly string[]
): Promise<Finished> {
  const file = await place.file('frames.bin', stdFile(frames))
  return uploaded(t, place, board, file, '--candidate', '0', ...more)
}
