/*
 * rig FIRMWARE.elf --mcu NAME --led PIN --light PIN --pins FILE [--eeprom FILE] [--nor FILE --cs PIN [--nor-log2 N] [--suspend 0]]
 *     [--sd FILE --cs PIN [--sd-standard 1] [--sd-pause-every N]] [--speed X] [--image FILE.hex]
 *
 * --image is what the chip runs; FIRMWARE.elf, built from the same source, then tells only where its variables end.
 * PIN is port letter and bit ("D6"). The UART is a pty whose path the ready line names. Commands on stdin, an answer each on stdout as a JSON line:
 *   reset   the reset pin is pulled          cut     the supply fails and comes back; what is being programmed is torn
 *   stats   counters so far, files flushed   quit    (or end of input)
 *   tear N  as cut, in the middle of the N-th write to the SD card from now on; answered at once
 *   noise N one bit of N bytes on the line, either way, is wrong; 0 = none
 * --pins takes each transition of the LED pin: eight bytes, little-endian, cycle << 1 | level. Runs in real time, times X.
 */
#define _GNU_SOURCE
#include "rig.h"

#include <fcntl.h>
#include <poll.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAINT 0xC5

static rig_t rig;
static FILE *pins;
static int pin_level, light_level, master = -1;
static uint64_t lights; /* how often the status light went on */
static avr_cycle_count_t pin_at;
static bool pins_dirty;
static double late_ms;
static uint32_t stack_floor; /* first address behind the variables */

avr_cycle_count_t rig_us(const rig_t *r, double us) { return (avr_cycle_count_t)(us * r->avr->frequency / 1e6); }

void *rig_module(rig_t *r, const char *kind) {
  for (avr_io_t *io = r->avr->io_port; io; io = io->next) {
    if (strcmp(io->kind, kind) != 0) continue;
    if (strcmp(kind, "uart") == 0 && ((avr_uart_t *)io)->name != '0') continue;
    return io;
  }
  desk_fail(kind);
  return NULL;
}

uint8_t *rig_map(const char *path, size_t bytes) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat now;
  if (fd < 0 || fstat(fd, &now)) desk_fail(path);
  if (ftruncate(fd, (off_t)bytes)) desk_fail(path);
  uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) desk_fail(path);
  if ((size_t)now.st_size < bytes) memset(memory + now.st_size, 0xFF, bytes - (size_t)now.st_size);
  close(fd);
  return memory;
}

static void on_pin(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)param;
  const int level = value & 1;
  if (level == pin_level) return;
  pin_level = level;
  pin_at = rig.avr->cycle;
  const uint64_t entry = pin_at << 1 | (uint64_t)level;
  fwrite(&entry, sizeof entry, 1, pins); /* the machine is little-endian, as all that run Node are */
  pins_dirty = true;
}

static void on_light(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)param;
  if ((value & 1) && !light_level) lights++;
  light_level = value & 1;
}

/* The memory below the stack is painted, so that its depth can be seen. */
static void paint(void) {
  for (uint32_t at = stack_floor; at <= rig.avr->ramend; at++) rig.avr->data[at] = PAINT;
}

static uint32_t stack_free(void) {
  uint32_t at = stack_floor;
  while (at <= rig.avr->ramend && rig.avr->data[at] == PAINT) at++;
  return at - stack_floor;
}

/* simavr has reset its own modules when this is called, at a watchdog's reset too. */
static void on_reset(avr_io_t *io) {
  (void)io;
  paint();
  uart_reset();
  eeprom_reset();
  spi_reset();
}

static avr_io_t models = {.kind = "rig", .reset = on_reset};

static void stats(const char *of) {
  fflush(pins);
  printf("{\"answer\":\"%s\",\"cycles\":%llu,\"rxBytes\":%llu,\"rxOverruns\":%llu,\"txBytes\":%llu,\"eepromWrites\":%llu,"
         "\"norPrograms\":%llu,\"norErases\":%llu,\"norSuspends\":%llu,\"norClashes\":%llu,"
         "\"sdReads\":%llu,\"sdWrites\":%llu,\"sdPauses\":%llu,\"sdTorn\":%llu,\"sdClashes\":%llu,\"cutCycle\":%llu,\"lights\":%llu,\"lateMs\":%.0f,\"stackBytes\":%u,\"ramFreeBytes\":%u}\n",
         of, (unsigned long long)rig.avr->cycle, (unsigned long long)rig.rx_bytes, (unsigned long long)rig.rx_overruns,
         (unsigned long long)rig.tx_bytes, (unsigned long long)rig.eeprom_writes, (unsigned long long)rig.nor_programs,
         (unsigned long long)rig.nor_erases, (unsigned long long)rig.nor_suspends, (unsigned long long)rig.nor_clashes,
         (unsigned long long)rig.sd_reads, (unsigned long long)rig.sd_writes, (unsigned long long)rig.sd_pauses,
         (unsigned long long)rig.sd_torn, (unsigned long long)rig.sd_clashes, (unsigned long long)rig.cut_cycle,
         (unsigned long long)lights, late_ms,
         rig.avr->ramend + 1 - stack_floor - stack_free(), stack_free());
  fflush(stdout);
}

static void cut(void) {
  eeprom_cut();
  nor_cut();
  sd_cut();
  rig.cut_wanted = false;
  rig.cut_cycle = rig.avr->cycle;
  avr_reset(rig.avr);
}

static void obey(char *word) {
  if (strcmp(word, "quit") == 0) {
    stats(word);
    exit(0);
  }
  if (strcmp(word, "cut") == 0) cut();
  if (strncmp(word, "tear ", 5) == 0) sd_tear((uint32_t)atoi(word + 5));
  if (strncmp(word, "noise ", 6) == 0) uart_noise((uint32_t)atoi(word + 6));
  if (strcmp(word, "reset") == 0) avr_reset(rig.avr);
  stats(word);
}

static void serve_files(void) {
  static uint8_t waiting[4096];
  static size_t waiting_n;
  struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = master, .events = uart_room() > 4096 ? POLLIN : 0}};
  if (poll(fds, 2, 0) > 0) {
    uint8_t bytes[4096];
    if (fds[0].revents) desk_read_commands(obey);
    if (fds[1].revents & POLLIN) {
      const ssize_t n = read(master, bytes, sizeof bytes);
      if (n > 0) uart_send_to_chip(bytes, (size_t)n);
    }
  }
  waiting_n += uart_sent_by_chip(waiting + waiting_n, sizeof waiting - waiting_n);
  if (waiting_n) {
    const ssize_t n = write(master, waiting, waiting_n);
    if (n > 0) memmove(waiting, waiting + n, waiting_n -= (size_t)n);
  }
  if (pins_dirty && rig.avr->cycle - pin_at > DESK_FREQUENCY / 1000) {
    fflush(pins);
    pins_dirty = false;
  }
}

static void serve(void) {
  if (rig.cut_wanted) cut();
  serve_files();
}

int main(int argc, char **argv) {
  if (argc < 2 || argc % 2) desk_fail("usage: rig FIRMWARE.elf --mcu NAME --led PIN --pins FILE …");
  const char *led = desk_option(argc, argv, "--led", "D6"), *nor = desk_option(argc, argv, "--nor", NULL), *sd = desk_option(argc, argv, "--sd", NULL),
             *cs = desk_option(argc, argv, "--cs", "B2");
  desk_start();
  elf_firmware_t firmware;
  memset(&firmware, 0, sizeof firmware);
  if (elf_read_firmware(argv[1], &firmware)) desk_fail(argv[1]);
  rig.avr = avr_make_mcu_by_name(desk_option(argc, argv, "--mcu", "atmega328p"));
  if (!rig.avr) desk_fail("no such chip");
  avr_init(rig.avr);
  firmware.frequency = DESK_FREQUENCY;
  avr_load_firmware(rig.avr, &firmware);
  rig.avr->frequency = DESK_FREQUENCY;
  const char *image = desk_option(argc, argv, "--image", NULL);
  if (image) {
    memset(rig.avr->flash, 0xFF, rig.avr->flashend + 1);
    desk_load_hex(rig.avr, image);
  }
  stack_floor = (uint32_t)rig.avr->ioend + 1 + firmware.datasize + firmware.bsssize;
  pins = fopen(desk_option(argc, argv, "--pins", "/dev/null"), "wb");
  if (!pins) desk_fail("--pins");
  uart_start(&rig);
  eeprom_start(&rig, desk_option(argc, argv, "--eeprom", NULL));
  if (nor) nor_start(&rig, nor, (uint8_t)atoi(desk_option(argc, argv, "--nor-log2", "20")), atoi(desk_option(argc, argv, "--suspend", "1")) != 0, cs[0], cs[1] - '0');
  if (sd) sd_start(&rig, sd, atoi(desk_option(argc, argv, "--sd-standard", "0")) != 0, (uint32_t)atoi(desk_option(argc, argv, "--sd-pause-every", "0")), cs[0], cs[1] - '0');
  avr_irq_register_notify(avr_io_getirq(rig.avr, AVR_IOCTL_IOPORT_GETIRQ(led[0]), IOPORT_IRQ_PIN0 + (led[1] - '0')), on_pin, NULL);
  const char *light = desk_option(argc, argv, "--light", "B5");
  avr_irq_register_notify(avr_io_getirq(rig.avr, AVR_IOCTL_IOPORT_GETIRQ(light[0]), IOPORT_IRQ_PIN0 + (light[1] - '0')), on_light, NULL);
  models.avr = rig.avr;
  avr_io_t *last = rig.avr->io_port;
  while (last->next) last = last->next;
  last->next = &models;
  avr_reset(rig.avr);
  master = desk_open_pty(true);
  desk_run(rig.avr, atof(desk_option(argc, argv, "--speed", "1")), serve, &late_ms);
}
