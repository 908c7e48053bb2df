/** The topics of one bridge below its own. */
export const bridgeTopics = (topic: string) => ({
  /** Whole frames as the encoding has them. */
  whole: `${topic}/rx`,
  /** Where a frame of the line goes. `base64`: it is no UTF-8 although the bridge says text. */
  rx: ({ partial, base64 }: { readonly partial: boolean; readonly base64: boolean }) =>
    `${topic}/rx${partial ? '/partial' : ''}${base64 ? '/base64' : ''}`,
  tx: `${topic}/tx`,
  status: `${topic}/status`,
})
