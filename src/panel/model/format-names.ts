const names: Readonly<Record<string, string>> = {
  leds: 'LED Matrix Studio',
  gif: 'GIF',
  ledm: 'LEDM',
  std: 'STD',
  dim: 'DIM',
  raw: 'Raw RGB',
}

/** What people call a format. */
export const formatName = (format: string): string => names[format] ?? format
