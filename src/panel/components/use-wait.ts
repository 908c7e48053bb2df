import { useEffect, useState } from 'preact/hooks'

interface Wait {
  /** For the button that has to wait; null: it need not. */
  readonly words: string | null
  readonly wait: (ms: number) => void
}

/** Counts the seconds down after which the gateway lets one try again. */
export function useWait(): Wait {
  const [leftMs, setLeftMs] = useState(0)
  const [untilMs, setUntilMs] = useState(0)
  useEffect(() => {
    const show = () => setLeftMs(Math.max(0, untilMs - performance.now()))
    show()
    const timer = setInterval(show, 250)
    return () => clearInterval(timer)
  }, [untilMs])
  return {
    words: leftMs > 0 ? `Wait ${Math.ceil(leftMs / 1000)} s` : null,
    wait: ms => setUntilMs(ms > 0 ? performance.now() + ms : 0),
  }
}
