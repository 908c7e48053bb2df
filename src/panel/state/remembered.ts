/** Small choices of this browser. A browser that keeps nothing (private windows) loses them, and that is all. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`pixelgate.${key}`)
  } catch {
    return null
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`pixelgate.${key}`, value)
  } catch {
    // Nothing is lost but the choice.
  }
}
