import { useEffect, useState } from 'preact/hooks'
import { asTrouble } from '../model/problem.ts'
import type { Preview } from '../preview/decode.ts'

interface Loaded {
  readonly preview: Preview | null
  /** Why there is no picture; null: there is one, or it is on its way, or there is nothing to show. */
  readonly trouble: string | null
}

const nothing: Loaded = { preview: null, trouble: null }

/** Loads a preview, again whenever `key` changes. The former picture stays until the new one is here. */
export function usePreview(key: string | null, load: () => Promise<Preview>): Loaded {
  const [loaded, setLoaded] = useState<Loaded>(nothing)
  // The key stands for what is loaded.
  useEffect(() => {
    if (key === null) {
      setLoaded(nothing)
      return
    }
    let wanted = true
    load().then(
      preview => {
        if (wanted) setLoaded({ preview, trouble: null })
      },
      (thrown: unknown) => {
        if (wanted) setLoaded({ preview: null, trouble: asTrouble(thrown).message })
      },
    )
    return () => {
      wanted = false
    }
  }, [key])
  return loaded
}
