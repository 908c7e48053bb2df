/*
 * WS2812 out of a UART whose output is inverted (TXINV, or an inverting level shifter). A byte on the line is start bit, eight data
 * bits and stop bit: ten slots, which are two LED bits of five slots each. Inverted, the start bit is the rising edge of the first LED
 * bit and the stop bit the low end of the second:
 *
 *   slot   0      1  2  3  4  5  6  7  8  9
 *   UART   start  d0 d1 d2 d3 d4 d5 d6 d7 stop
 *   line   high   a  a  0  0  1  b  b  0  low        0: high for 1 slot of 5, 1: high for 3
 *
 * At 3.33 Mbaud a slot is 300 ns: 0 is high for 300 ns, 1 for 900 ns, a bit lasts 1.5 µs. That is within the limits of WS2812B
 * (250 … 550 and 650 … 950 ns) and of its later versions (220 … 380 and 580 … 1000 ns). The UART makes the times, so interrupts stay on.
 */
#ifndef WS2812_H
#define WS2812_H

#include <stddef.h>
#include <stdint.h>

#define WS2812_BAUD 3333333u
#define WS2812_LATCH_US 300u       /* low for so long and the LEDs show what they have; the newest want 280 */
#define WS2812_SYMBOLS_PER_BYTE 4u /* two LED bits a symbol */

/* symbols: WS2812_SYMBOLS_PER_BYTE · n bytes. */
void ws2812_encode(uint8_t *symbols, const uint8_t *bytes, size_t n);

#endif
