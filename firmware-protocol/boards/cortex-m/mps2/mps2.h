/* Registers of the board's peripherals: CMSDK APB UART and timer (Arm DDI 0479). */
#ifndef MPS2_H
#define MPS2_H

#include <stdint.h>

typedef struct cmsdk_uart {
  volatile uint32_t data, state, ctrl, interrupts, divider;
} cmsdk_uart;
#define UART_TX_FULL 1u
#define UART_RX_FULL 2u
#define UART_TX_ENABLE 1u
#define UART_RX_ENABLE 2u
#define UART_RX_INTERRUPT 8u

/* Counts down from `value`, then from `reload`; with 0 there it stops. */
typedef struct cmsdk_timer {
  volatile uint32_t ctrl, value, reload, interrupts;
} cmsdk_timer;
#define TIMER_RUN 1u
#define TIMER_INTERRUPT 8u

static inline void uart_put(cmsdk_uart *uart, uint8_t byte) {
  while (uart->state & UART_TX_FULL) continue;
  uart->data = byte;
}

#endif
