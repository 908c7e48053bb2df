#include "ws2812.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "target.h"
#include "uart.h"

void ws2812_start(void) {
  LED_PORT = (uint8_t)(LED_PORT & ~_BV(LED_BIT));
  LED_DDR = (uint8_t)(LED_DDR | _BV(LED_BIT));
}

/* High for 6 cycles (375 ns) or 13 (812 ns) of 20 (1.25 µs). */
static inline __attribute__((always_inline)) void put_byte(uint8_t byte, uint8_t high, uint8_t low) {
  uint8_t bits = 8;
  __asm__ volatile(
      "1: out %[port], %[high] \n"
      "   lsl %[byte]          \n"
      "   rjmp .+0             \n"
      "   nop                  \n"
      "   brcs 2f              \n"
      "   out %[port], %[low]  \n"
      "2: rjmp .+0             \n"
      "   rjmp .+0             \n"
      "   rjmp .+0             \n"
      "   out %[port], %[low]  \n"
      "   rjmp .+0             \n"
      "   nop                  \n"
      "   dec %[bits]          \n"
      "   brne 1b              \n"
      : [byte] "+r"(byte), [bits] "+r"(bits)
      : [port] "I"(_SFR_IO_ADDR(LED_PORT)), [high] "r"(high), [low] "r"(low));
}

void ws2812_show(const uint8_t *bytes, uint16_t n) {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    const uint8_t low = (uint8_t)(LED_PORT & ~_BV(LED_BIT)), high = (uint8_t)(low | _BV(LED_BIT));
    while (n--) {
      uart_poll_one();
      put_byte(*bytes++, high, low);
    }
  }
}
