import { useEffect, useState } from 'preact/hooks'
import { getAll } from '../api.ts'
import { asTrouble } from '../model/problem.ts'

interface List<T> {
  /** null: not known yet. */
  readonly items: readonly T[] | null
  readonly trouble: string | null
  readonly reload: () => Promise<void>
}

/** A list of the API that is asked for once, and again after each change. */
export function useList<T>(path: string, key: string): List<T> {
  const [items, setItems] = useState<readonly T[] | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  const reload = async () => {
    try {
      setItems(await getAll<T>(path, key))
      setTrouble(null)
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  // Once for each list.
  useEffect(() => {
    void reload()
  }, [path])
  return { items, trouble, reload }
}
