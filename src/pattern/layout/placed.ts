import type { Cell } from './layout.ts'

/** LEDs on a canvas before anything is checked, or why they cannot be placed. */
export type Placed =
  | { readonly width: number; readonly height: number; readonly cells: readonly Cell[] }
  | string
