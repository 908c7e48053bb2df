/*
 * USART0 as the data sheet has it: two received bytes and the shift register, one byte to send beside the one being sent, ten bit times a
 * byte at the rate that the chip has set. The cable holds what the host wrote too fast, as a serial driver does.
 */
#include "rig.h"

#include <simavr/avr_uart.h>

#define CABLE_BYTES 65536u
#define OUT_BYTES 65536u

static rig_t *rig;
static avr_uart_t *port;

static uint8_t cable[CABLE_BYTES];
static size_t cable_at, cable_n;
static uint8_t out[OUT_BYTES];
static size_t out_n;

static uint8_t fifo[2], fifo_n, held, arriving;
static bool holds, receives; /* a whole byte waits in the shift register; a byte is on its way into it */
static uint8_t shifting, waiting;
static bool shifts, waits;

static uint32_t noise, seed = 1;

void uart_noise(uint32_t one_in) { noise = one_in; }

static uint8_t disturbed(uint8_t byte) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return noise && seed % noise == 0 ? (uint8_t)(byte ^ 1u << (seed >> 29)) : byte;
}

static avr_cycle_count_t byte_cycles(void) {
  const avr_t *avr = rig->avr;
  const uint32_t divisor = (avr->data[port->ubrrl.reg] | ((avr->data[port->ubrrh.reg] & 0x0fu) << 8)) + 1u;
  return (avr_cycle_count_t)divisor * (avr_regbit_get(rig->avr, port->u2x) ? 8 : 16) * 10;
}

/* simavr keeps what has been cleared in its queue of 64 until interrupts are on again; more than one place each would fill it. */
static bool queued(const avr_int_vector_t *vector) {
  const avr_int_pending_t *queue = &rig->avr->interrupts.pending;
  for (unsigned at = queue->read; at != queue->write; at = (at + 1) % avr_int_pending_fifo_size)
    if (queue->buffer[at] == vector) return true;
  return false;
}

/* Interrupts of the receiver and of the empty data register go on as long as their cause. */
static void level(avr_int_vector_t *vector, bool raised) {
  avr_t *avr = rig->avr;
  if (!raised) {
    avr_clear_interrupt(avr, vector);
    avr_regbit_clear(avr, vector->raised);
    return;
  }
  avr_regbit_set(avr, vector->raised);
  if (!avr_regbit_get(avr, vector->enable) || vector->pending) return;
  if (!queued(vector))
    avr_raise_interrupt(avr, vector);
  else {
    vector->pending = 1;
    if (avr->sreg[S_I] && avr->interrupt_state == 0) avr->interrupt_state = 1;
  }
}

static void tell(void) {
  level(&port->rxc, fifo_n > 0);
  level(&port->udrc, !waits);
}

static void settle(void) {
  if (!holds || fifo_n == sizeof fifo) return;
  fifo[fifo_n++] = held;
  holds = false;
}

static avr_cycle_count_t arrived(avr_t *avr, avr_cycle_count_t when, void *param);

static void receive_next(avr_cycle_count_t delay) {
  if (receives || cable_n == 0) return;
  if (holds) { /* its start bit overwrites what nobody took */
    holds = false;
    rig->rx_overruns++;
    avr_regbit_set(rig->avr, port->dor);
  }
  arriving = disturbed(cable[cable_at]);
  cable_at = (cable_at + 1) % CABLE_BYTES;
  cable_n--;
  receives = true;
  avr_cycle_timer_register(rig->avr, delay, arrived, NULL);
}

static avr_cycle_count_t arrived(avr_t *avr, avr_cycle_count_t when, void *param) {
  (void)when;
  (void)param;
  receives = false;
  if (avr_regbit_get(avr, port->rxen)) {
    rig->rx_bytes++;
    held = arriving;
    holds = true;
    settle();
    tell();
  }
  receive_next(byte_cycles());
  return 0;
}

static avr_cycle_count_t sent(avr_t *avr, avr_cycle_count_t when, void *param) {
  (void)param;
  rig->tx_bytes++;
  if (out_n < OUT_BYTES) out[out_n++] = disturbed(shifting);
  if (waits) {
    shifting = waiting;
    waits = false;
    tell();
    return when + byte_cycles();
  }
  shifts = false;
  avr_raise_interrupt(avr, &port->txc);
  return 0;
}

static void write_data(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
  (void)addr;
  (void)param;
  if (!avr_regbit_get(avr, port->txen)) return;
  if (shifts) {
    waiting = value;
    waits = true;
  } else {
    shifting = value;
    shifts = true;
    avr_cycle_timer_register(avr, byte_cycles(), sent, NULL);
  }
  tell();
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t addr, void *param) {
  (void)addr;
  (void)param;
  const uint8_t value = fifo[0];
  avr_regbit_clear(avr, port->dor);
  if (fifo_n) {
    fifo[0] = fifo[1];
    fifo_n--;
  }
  settle();
  tell();
  return value;
}

/* Only U2X and MPCM can be set; TXC is cleared by writing it. */
static void write_state(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
  (void)param;
  const uint8_t txc = (uint8_t)(1u << port->txc.raised.bit);
  uint8_t now = avr->data[addr];
  if (value & txc) {
    avr_clear_interrupt(avr, &port->txc);
    now = (uint8_t)(now & ~txc);
  }
  avr->data[addr] = (uint8_t)((now & ~3u) | (value & 3u));
}

static uint8_t read_state(avr_t *avr, avr_io_addr_t addr, void *param) {
  (void)param;
  return avr->data[addr];
}

static void write_control(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
  (void)param;
  avr->data[addr] = value;
  if (!avr_regbit_get(avr, port->rxen)) fifo_n = holds = 0;
  tell();
}

void uart_start(rig_t *with) {
  rig = with;
  port = rig_module(rig, "uart");
  avr_t *avr = rig->avr;
  avr->io[AVR_DATA_TO_IO(port->r_udr)].w.c = write_data;
  avr->io[AVR_DATA_TO_IO(port->r_udr)].r.c = read_data;
  avr->io[AVR_DATA_TO_IO(port->r_ucsra)].w.c = write_state;
  avr->io[AVR_DATA_TO_IO(port->r_ucsra)].r.c = read_state;
  avr->io[AVR_DATA_TO_IO(port->r_ucsrb)].w.c = write_control;
}

/* What is on the cable goes on arriving, whether the chip hears it or not. */
void uart_reset(void) {
  fifo_n = 0;
  holds = receives = shifts = waits = false;
  avr_regbit_clear(rig->avr, port->txen); /* simavr sets it for its own ends */
  tell();
  receive_next(rig_us(rig, 87));
}

size_t uart_room(void) { return CABLE_BYTES - cable_n; }

void uart_send_to_chip(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) cable[(cable_at + cable_n++) % CABLE_BYTES] = bytes[i];
  receive_next(byte_cycles());
}

size_t uart_sent_by_chip(uint8_t *bytes, size_t room) {
  const size_t n = out_n < room ? out_n : room;
  for (size_t i = 0; i < n; i++) bytes[i] = out[i];
  for (size_t i = n; i < out_n; i++) out[i - n] = out[i];
  out_n -= n;
  return n;
}
