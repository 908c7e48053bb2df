#include "ws2812.h"

/* By two LED bits, the first of them the higher one. UART data is the inverse of the line, least significant bit first. */
static const uint8_t symbol_of[4] = {0xEF, 0x8F, 0xEC, 0x8C};

void ws2812_encode(uint8_t *symbols, const uint8_t *bytes, size_t n) {
  for (; n; n--, bytes++)
    for (unsigned shift = 8; shift;) {
      shift -= 2;
      *symbols++ = symbol_of[*bytes >> shift & 3];
    }
}
