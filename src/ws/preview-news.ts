import type { BoardId } from '../kernel/ids.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { Previews } from '../upload/previews.ts'
import type { BoardPreviewView } from '../wire/live.ts'
import type { LiveHub } from './live-hub.ts'

type Picture = Pick<BoardPreviewView, 'width' | 'height' | 'pixels'>

const noPicture: Picture = { width: 0, height: 0, pixels: null }

/**
 * Tells the topic `preview` what a board shows: the first frame of its pattern, when that has become another one. Nothing is
 * drawn while nobody listens.
 */
export class PreviewNews {
  readonly #hub: LiveHub
  readonly #core: GatewayCore
  readonly #previews: Pick<Previews, 'ofBoard'>
  /** What was told last of each board. */
  readonly #told = new Map<BoardId, string | null>()

  constructor(hub: LiveHub, core: GatewayCore, previews: Pick<Previews, 'ofBoard'>) {
    this.#hub = hub
    this.#core = core
    this.#previews = previews
    hub.provide('preview', async () => {
      const boards = (await core.book.list()).filter(({ id }) => core.registry.session(id) !== undefined)
      const views = await Promise.all(boards.map(({ id }) => this.#view(id)))
      return views.map(data => ({ type: 'preview', data }))
    })
  }

  async changed(boardId: BoardId): Promise<void> {
    if (!this.#hub.wanted('preview')) return this.#told.clear()
    const imageId = this.#imageOf(boardId)
    if (this.#told.get(boardId) === imageId) return
    this.#told.set(boardId, imageId)
    const view = await this.#view(boardId)
    // A newer one is on its way.
    if (view.imageId === this.#imageOf(boardId))
      this.#hub.publish('preview', 'preview', view, { key: boardId })
  }

  #imageOf(boardId: BoardId): string | null {
    return this.#core.states.get(boardId)?.imageId ?? null
  }

  async #view(boardId: BoardId): Promise<BoardPreviewView> {
    const imageId = this.#imageOf(boardId)
    // What this gateway has not made, and bytes that are no picture, have none.
    const picture = imageId === null ? noPicture : await this.#draw(boardId).catch(() => noPicture)
    return { boardId, imageId, ...picture }
  }

  async #draw(boardId: BoardId): Promise<Picture> {
    const { json } = await this.#previews.ofBoard(boardId)
    const { width, height, pixels } = JSON.parse(json.toString('utf8')) as {
      width: number
      height: number
      pixels: string
    }
    const frameBytes = width * height * 3
    return { width, height, pixels: Buffer.from(pixels, 'base64').subarray(0, frameBytes).toString('base64') }
  }
}
