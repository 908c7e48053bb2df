/* WS2812 at 800 kHz on one pin. */
#ifndef WS2812_H
#define WS2812_H

#include <stdint.h>

void ws2812_start(void);

/*
 * Puts out n bytes, 11.5 µs each, with interrupts off. USART0 is read between two bytes, so that nothing arriving is
 * lost up to 500 kbaud; the line is then low for less than 3 µs, far from the 50 µs (in practice 6) of a reset.
 */
void ws2812_show(const uint8_t *bytes, uint16_t n);

#endif
