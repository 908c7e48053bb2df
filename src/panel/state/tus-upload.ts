import { live } from '../live.ts'
import { type KeptUpload, keptForMs, readKept, withKept, withoutKept } from '../model/kept-uploads.ts'
import { emptyMark, markText, textMark, withBytes } from '../model/mark.ts'
import { asTrouble, Trouble, unreachable } from '../model/problem.ts'
import {
  beginUpload,
  delayMs,
  isPassing,
  stepUpload,
  type TusAnswer,
  type UploadState,
} from '../model/resumable.ts'
import { remember, remembered } from './remembered.ts'
import { me } from './session.ts'
import { askOffset, createFile, removeFile, sendPiece } from './tus-requests.ts'

const keptAs = 'uploads'
const readAtOnceBytes = 1024 * 1024
/** Of an upload that was given up; after that it expires by itself. */
const mostRemovals = 10

export interface UploadNews {
  readonly sentBytes: number
  /** Why nothing goes at this moment; null: it goes. */
  readonly waitsFor: Trouble | null
}

/** Sends a file in pieces by tus 1.0.0 and goes on after whatever comes in between, until it has arrived or somebody stops it. */
export class TusUpload {
  readonly #file: File
  readonly #raw: boolean
  readonly #tell: (news: UploadNews) => void
  readonly #key: string
  readonly #abort = new AbortController()
  /** Of what the gateway has acknowledged. */
  #mark = emptyMark
  #ended: 'stopped' | 'left' | undefined
  #wake = () => {}

  constructor(file: File, raw: boolean, tell: (news: UploadNews) => void) {
    this.#file = file
    this.#raw = raw
    this.#tell = tell
    const { name, size, lastModified } = file
    this.#key = textMark(JSON.stringify([me.peek()?.id, name, size, lastModified, raw]))
  }

  /** Id of the pattern that the file has become; null: it was stopped or left. Rejects with a Trouble. */
  async run(): Promise<string | null> {
    let state = beginUpload(await this.#known())
    while (this.#ended === undefined && state.phase !== 'done' && state.phase !== 'failed') {
      const isDue = await this.#due(state)
      if (!isDue) break
      try {
        state = stepUpload(state, await this.#request(state), this.#file.size)
        await this.#keep(state)
      } catch (thrown) {
        state = { ...state, phase: 'failed', trouble: asTrouble(thrown) }
      }
    }
    return this.#end(state)
  }

  /** For good: the gateway forgets it too. */
  stop(): void {
    this.#leave('stopped')
  }

  /** The same file may go on from here later. */
  leave(): void {
    this.#leave('left')
  }

  #leave(how: 'stopped' | 'left'): void {
    this.#ended ??= how
    this.#abort.abort()
    this.#wake()
  }

  /** False: it ended meanwhile. */
  async #due({ waitMs, offset, trouble }: UploadState): Promise<boolean> {
    if (waitMs === 0) this.#tell({ sentBytes: offset, waitsFor: null })
    else {
      this.#tell({ sentBytes: offset, waitsFor: trouble ?? unreachable() })
      await this.#pause(waitMs)
    }
    return this.#ended === undefined
  }

  /** Ends early when the gateway or the network is back. */
  async #pause(ms: number): Promise<void> {
    let unfollow = () => {}
    await new Promise<void>(resolve => {
      const awake = () => resolve()
      this.#wake = awake
      const timer = setTimeout(awake, ms)
      let { phase } = live.peek()
      const unsubscribe = live.subscribe(now => {
        if (now.phase === 'open' && phase !== 'open') awake()
        phase = now.phase
      })
      window.addEventListener('online', awake)
      unfollow = () => {
        clearTimeout(timer)
        unsubscribe()
        window.removeEventListener('online', awake)
      }
    })
    unfollow()
  }

  async #request({ phase, fileId, offset, pieceBytes }: UploadState): Promise<TusAnswer> {
    if (phase === 'create' || fileId === null) return createFile(this.#file, this.#raw)
    const { signal } = this.#abort
    if (phase === 'ask') return askOffset(fileId, signal)
    const body = await this.#read(offset, offset + pieceBytes)
    const onProgress = (sentBytes: number) => {
      if (this.#ended === undefined)
        this.#tell({ sentBytes: offset + Math.min(sentBytes, body.byteLength), waitsFor: null })
    }
    return sendPiece(fileId, offset, body, { signal, onProgress })
  }

  async #end({ phase, fileId, patternId, trouble }: UploadState): Promise<string | null> {
    if (this.#ended === 'left' && phase !== 'done') return null
    forget(this.#key)
    // Of one that was refused the gateway keeps why.
    const isOver = phase === 'done' || trouble?.status === 422
    if (fileId !== null && (this.#ended === 'stopped' || !isOver)) void giveUp(fileId)
    if (this.#ended !== undefined) return null
    if (patternId === null) throw trouble ?? unreachable()
    return patternId
  }

  /** An upload of the same file that was cut off before; null: there is none. */
  async #known(): Promise<string | null> {
    const kept = keptUploads().find(({ key }) => key === this.#key)
    if (kept === undefined) return null
    await this.#markUpTo(kept.atBytes)
    if (markText(this.#mark) === kept.mark) return kept.fileId
    forget(this.#key)
    void giveUp(kept.fileId)
    return null
  }

  async #keep({ phase, fileId, offset, waitMs }: UploadState): Promise<void> {
    if (fileId === null) return forget(this.#key)
    // A request in vain says nothing new.
    if (waitMs > 0 || phase === 'done' || phase === 'failed') return
    await this.#markUpTo(offset)
    const mark = markText(this.#mark)
    keep({
      key: this.#key,
      fileId,
      atBytes: this.#mark.atBytes,
      mark,
      untilMs: Date.now() + keptForMs,
    })
  }

  async #markUpTo(offset: number): Promise<void> {
    while (this.#mark.atBytes < offset) {
      const { atBytes } = this.#mark
      const bytes = await this.#read(atBytes, Math.min(offset, atBytes + readAtOnceBytes))
      this.#mark = withBytes(this.#mark, new Uint8Array(bytes))
    }
  }

  async #read(from: number, to: number): Promise<ArrayBuffer> {
    try {
      return await this.#file.slice(from, to).arrayBuffer()
    } catch {
      const words = 'It was changed, moved or removed since it was chosen. Choose it again.'
      throw new Trouble(400, 'file_unreadable', words)
    }
  }
}

async function giveUp(fileId: string): Promise<void> {
  for (let attempt = 0; attempt < mostRemovals; attempt++) {
    const { status } = await removeFile(fileId)
    if (!isPassing(status)) return
    await new Promise(resolve => setTimeout(resolve, delayMs(attempt)))
  }
}

const keptUploads = () => readKept(remembered(keptAs), Date.now())
const keep = (one: KeptUpload) => remember(keptAs, JSON.stringify(withKept(keptUploads(), one)))
const forget = (key: string) => remember(keptAs, JSON.stringify(withoutKept(keptUploads(), key)))
