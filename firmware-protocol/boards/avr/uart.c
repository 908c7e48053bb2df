#include "uart.h"

#include "target.h"

uart_ring uart;

#define OUT_BYTES 32u /* an ACK with its frame: whoever sends more waits for the line */

static uint8_t spoke;
static uint8_t out[OUT_BYTES];
static volatile uint8_t head, tail;

#ifdef USART_RX_vect /* chips with one USART */
ISR(USART_RX_vect) { uart_take_one(); }
#else
ISR(USART0_RX_vect) { uart_take_one(); }
#endif

/* UDR0 takes one byte beside the one that is leaving. */
static void send_next(void) {
  UDR0 = out[tail];
  UCSR0A = _BV(U2X0) | _BV(TXC0); /* written after UDR0, or the end of the byte before could set it once more */
  tail = (uint8_t)((tail + 1u) % OUT_BYTES);
  if (tail == head) UCSR0B = (uint8_t)(UCSR0B & ~_BV(UDRIE0));
}

#ifdef USART_UDRE_vect
ISR(USART_UDRE_vect) { send_next(); }
#else
ISR(USART0_UDRE_vect) { send_next(); }
#endif

void uart_set_baud(uint32_t baud) {
  if (baud == 0) baud = START_BAUD;
  while (spoke && (head != tail || !(UCSR0A & _BV(TXC0)))) continue; /* before the first byte TXC is not set */
  UBRR0 = (uint16_t)((F_CPU / 4 / baud - 1) / 2);
  UCSR0A = _BV(U2X0);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

void uart_send(const uint8_t *bytes, uint16_t n) {
  spoke = 1;
  while (n--) {
    const uint8_t next = (uint8_t)((head + 1u) % OUT_BYTES);
    while (next == tail) continue;
    out[head] = *bytes++;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
      head = next;
      UCSR0B = (uint8_t)(UCSR0B | _BV(UDRIE0));
    }
  }
}
