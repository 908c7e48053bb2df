/* USART0, both ways by interrupt through a ring. */
#ifndef UART_H
#define UART_H

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>
#include <util/atomic.h>

#if RING_BYTES == 256 /* indices of eight bits wrap by themselves and need no lock */
typedef uint8_t uart_index;
#else
typedef uint16_t uart_index;
#endif
#define UART_HOLDS (RING_BYTES - 1u) /* one place stays free */

typedef struct uart_ring {
  volatile uart_index head; /* written by the interrupt alone */
  volatile uart_index tail;
  uint8_t bytes[RING_BYTES];
} uart_ring;

extern uart_ring uart;

/* 0 = the rate of the start. Lets all output leave first. */
void uart_set_baud(uint32_t baud);
void uart_send(const uint8_t *bytes, uint16_t n);

/* Received bytes that lie in one piece; uart_release frees them. */
static inline uint16_t uart_piece(const uint8_t **bytes) {
  uart_index head;
  const uart_index tail = uart.tail;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { head = uart.head; }
  *bytes = uart.bytes + tail;
  return (uint16_t)(head >= tail ? head - tail : RING_BYTES - tail);
}

static inline void uart_release(uint16_t n) {
  const uart_index tail = (uart_index)((uart.tail + n) % RING_BYTES);
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { uart.tail = tail; }
}

/* What the interrupt does, for code that runs with interrupts off: the chip itself holds two bytes only. */
static inline __attribute__((always_inline)) void uart_take_one(void) {
  const uint8_t byte = UDR0;
  const uart_index head = uart.head, next = (uart_index)((head + 1u) % RING_BYTES);
  if (next == uart.tail) return; /* full: the frame's CRC will tell */
  uart.bytes[head] = byte;
  uart.head = next;
}

static inline __attribute__((always_inline)) void uart_poll_one(void) {
  if (UCSR0A & _BV(RXC0)) uart_take_one();
}

#endif
