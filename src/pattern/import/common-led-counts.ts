/**
 * LED counts that strips, rings and panels are sold and built in. 1 = among the most usual, less = known but rarer.
 * Strips by the metre have 30, 60, 96 or 144 LEDs; matrices are 8 or 16 on a side, or a few rows of a cut strip.
 */
export const commonLedCounts: ReadonlyMap<number, number> = new Map([
  ...[50, 60, 64, 72, 75, 80, 90, 96, 100, 120, 128, 144, 150, 200, 256, 288, 300, 320, 512, 1024].map(
    leds => [leds, 1] as const,
  ),
  ...[8, 10, 12, 16, 20, 24, 25, 30, 32, 36, 40, 48, 49, 93, 160, 180, 192, 240, 241, 250].map(
    leds => [leds, 0.6] as const,
  ),
  ...[
    360, 384, 400, 432, 450, 480, 500, 576, 600, 640, 720, 750, 768, 800, 900, 1000, 1200, 1500, 2048, 4096,
  ].map(leds => [leds, 0.6] as const),
])
