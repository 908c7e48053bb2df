/*
 * rig --mcu NAME [--boot FILE.hex] [--app FILE.hex]
 *
 * An AVR board behind a USB adapter: simavr runs the bootloader (where the fuses of an Arduino make the chip start) and what the
 * bootloader writes. The UART is a pty whose path the ready line names. As Linux raises DTR when a port is opened and an Arduino's
 * capacitor makes a reset of that, the chip is reset whenever the pty is opened. Commands on stdin, an answer each on stdout as
 * a JSON line:
 *   dump FILE   the whole flash as it is now      reset   the reset pin is pulled
 *   stats       counters so far                   quit    (or end of input)
 */
#define _GNU_SOURCE
#include <poll.h>
#include <simavr/avr_uart.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../firmware/simavr/desk.h"

#define QUEUE_BYTES 4096u

static avr_t *avr;
static int master = -1;
static bool connected, may_send;
static uint8_t to_chip[QUEUE_BYTES], to_host[QUEUE_BYTES];
static size_t to_chip_at, to_chip_n, to_host_n;
static uint64_t rx_bytes, tx_bytes;
static uint32_t opens, resets;
static double late_ms;

static void on_output(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)param;
  tx_bytes++;
  if (to_host_n < sizeof to_host) to_host[to_host_n++] = (uint8_t)value;
}

static void on_may_send(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)value;
  may_send = param != NULL;
}

static void start_uart(void) {
  static int yes;
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags); /* no lines on the terminal, no sleeping while the chip waits */
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_output, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_may_send, &yes);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_may_send, NULL);
}

/* By the reset pin: a bootloader looks whether it was that. */
static void pull_reset(void) {
  resets++;
  to_chip_n = 0;
  avr_reset(avr);
  avr_regbit_clear(avr, avr->reset_flags.wdrf);
  avr_regbit_set(avr, avr->reset_flags.extrf);
}

static void answer(const char *of) {
  printf("{\"answer\":\"%s\",\"rxBytes\":%llu,\"txBytes\":%llu,\"opens\":%u,\"resets\":%u,\"pc\":%u}\n", of, (unsigned long long)rx_bytes,
         (unsigned long long)tx_bytes, opens, resets, (unsigned)avr->pc);
  fflush(stdout);
}

static void dump(const char *path) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(avr->flash, 1, avr->flashend + 1, file) != avr->flashend + 1 || fclose(file)) desk_fail(path);
}

static void obey(char *line) {
  char *operand = strchr(line, ' ');
  if (operand) *operand++ = 0;
  if (strcmp(line, "dump") == 0 && operand) dump(operand);
  if (strcmp(line, "reset") == 0) pull_reset();
  answer(line);
  if (strcmp(line, "quit") == 0) exit(0);
}

static void serve_files(void) {
  struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = master, .events = POLLIN}};
  poll(fds, 2, 0);
  if (fds[0].revents) desk_read_commands(obey);
  const bool now = !(fds[1].revents & POLLHUP);
  if (now && !connected) {
    opens++;
    to_host_n = 0;
    pull_reset();
  }
  connected = now;
  if (fds[1].revents & POLLIN) {
    const size_t end = (to_chip_at + to_chip_n) % QUEUE_BYTES, room = end >= to_chip_at && to_chip_n < QUEUE_BYTES ? QUEUE_BYTES - end : QUEUE_BYTES - to_chip_n;
    const ssize_t n = room ? read(master, to_chip + end, room) : 0;
    if (n > 0) to_chip_n += (size_t)n;
  }
  if (to_host_n) {
    const ssize_t n = connected ? write(master, to_host, to_host_n) : (ssize_t)to_host_n;
    if (n > 0) memmove(to_host, to_host + n, to_host_n -= (size_t)n);
  }
}

static void feed(void) {
  while (may_send && to_chip_n) {
    const uint8_t byte = to_chip[to_chip_at];
    to_chip_at = (to_chip_at + 1) % QUEUE_BYTES;
    to_chip_n--;
    rx_bytes++;
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), byte);
  }
}

static void serve(void) {
  serve_files();
  feed();
}

/* simavr would sleep in real time where the chip sleeps; desk_run keeps the time. */
static void no_sleep(avr_t *of, avr_cycle_count_t cycles) {
  (void)of;
  (void)cycles;
}

int main(int argc, char **argv) {
  const char *boot = desk_option(argc, argv, "--boot", NULL), *app = desk_option(argc, argv, "--app", NULL);
  desk_start();
  avr = avr_make_mcu_by_name(desk_option(argc, argv, "--mcu", "atmega328p"));
  if (!avr) desk_fail("no such chip");
  avr_init(avr);
  avr->frequency = DESK_FREQUENCY;
  avr->sleep = no_sleep;
  memset(avr->flash, 0xFF, avr->flashend + 1);
  avr->codeend = avr->flashend + 1;
  if (app) desk_load_hex(avr, app);
  if (boot) avr->reset_pc = desk_load_hex(avr, boot);
  start_uart();
  pull_reset();
  master = desk_open_pty(false); /* so the master tells by a hang-up whether somebody has the port open */
  desk_run(avr, 1, serve, &late_ms);
}
