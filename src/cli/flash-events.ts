import type { BoardKind } from '../flash/board-kinds.ts'
import type { FirmwareImage } from '../flash/firmware-image.ts'
import type { FlashProgress } from '../flash/flash-tool.ts'
import type { Surroundings } from './command.ts'
import type { FlashedBoard } from './flash-board.ts'
import { ProgressBar } from './progress-bar.ts'

export interface FlashWhat {
  readonly kind: BoardKind
  readonly image: FirmwareImage
  readonly port: string
}

/** Tells how flashing goes: JSON lines for scripts, a bar and two sentences for people. */
export class FlashEvents {
  readonly #out: Surroundings['stdout']
  readonly #json: boolean
  readonly #bar: ProgressBar
  readonly #what: FlashWhat

  constructor({ stdout, stderr }: Surroundings, json: boolean, what: FlashWhat) {
    this.#out = stdout
    this.#json = json
    this.#bar = new ProgressBar(stderr)
    this.#what = what
  }

  progress({ phase, share }: FlashProgress): void {
    const { kind, port, image } = this.#what
    const totalBytes = image.sizeBytes
    const doneBytes = phase === 'connecting' ? 0 : Math.round(share * totalBytes)
    if (this.#json) this.#line({ event: 'progress', port, phase, doneBytes, totalBytes })
    else this.#bar.update({ label: kind.label, phase, doneBytes, totalBytes, lineShare: null })
  }

  lent(): void {
    const { port } = this.#what
    if (this.#json) this.#line({ event: 'state', port, state: 'lent' })
    else this.#out.write(`The daemon lets go of ${port} until this is over.\n`)
  }

  done(board: FlashedBoard, lent: boolean): void {
    const { kind, image, port } = this.#what
    const { sha256, sizeBytes } = image
    if (this.#json) return this.#line({ event: 'done', port, kind: kind.name, sha256, sizeBytes, board })
    this.#bar.finish()
    this.#out.write(
      `${kind.label} on ${port}: ${board.firmwareName} ${board.firmwareVersion} is on it, verified, and answers. It drives ${board.leds} LEDs.\n` +
        (lent
          ? 'The daemon takes it back. Next, upload a pattern: pixelgate upload FILE --board ID (pixelgate boards shows the ID)\n'
          : `Next, upload a pattern: pixelgate upload FILE --port ${port}\n` +
            `Or hand the board to the daemon: pixelgate ports approve ${port}\n`),
    )
  }

  #line(value: object): void {
    this.#out.write(`${JSON.stringify(value)}\n`)
  }
}
