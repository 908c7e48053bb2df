/*
 * A flash of the W25Q kind on SPI: 24-bit addresses, pages of 256 bytes, sectors of 4 KB. Programming clears bits only. An erase can be
 * suspended: 20 µs later everything but its sector can be read, and a resume costs the millisecond that was broken off. A reset of the AVR
 * does not touch the flash.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 256u
#define SECTOR_BYTES 4096u
#define SECTOR_ERASE_US 45000.0
#define PROGRAM_US(n) (30.0 + 2.5 * (n))
#define SUSPEND_US 20.0
#define RESUME_US 1000.0
enum { PROGRAM = 0x02, READ = 0x03, STATUS = 0x05, ENABLE = 0x06, ERASE = 0x20, SUSPEND = 0x75, RESUME = 0x7A, ID = 0x9F };

static rig_t *rig;
static uint8_t *memory;
static uint32_t memory_bytes;
static uint8_t capacity;

static bool enabled;
static enum { IDLE, WORKS, SUSPENDED } state;
static avr_cycle_count_t done_at; /* of what works, or of the suspension's own delay */
static avr_cycle_count_t resumed_at, left;
static bool suspends = true;
static uint8_t command;
static uint32_t taken, addr; /* bytes since the selection */
static uint8_t page[PAGE_BYTES];
static bool page_set[PAGE_BYTES];
static uint32_t page_n;
static uint32_t work_addr;
static bool work_erases;

/* What has been finished since. */
static void settle(void) {
  if (state != WORKS || rig->avr->cycle < done_at) return;
  state = IDLE;
  enabled = false;
  if (work_erases) {
    memset(memory + work_addr, 0xFF, SECTOR_BYTES);
    return;
  }
  for (uint32_t i = 0; i < PAGE_BYTES; i++) {
    if (!page_set[i]) continue;
    if (page[i] & ~memory[work_addr + i]) rig->nor_clashes++;
    memory[work_addr + i] &= page[i];
  }
}

static bool busy(void) {
  settle();
  return state == WORKS || (state == SUSPENDED && rig->avr->cycle < done_at);
}

static uint8_t exchange(bool selected, uint8_t in, uint32_t cycles) {
  (void)cycles;
  if (!selected) return 0xFF;
  const uint32_t at = taken++;
  if (at == 0) {
    command = in;
    if (busy() && in != STATUS && in != SUSPEND && in != RESUME) rig->nor_clashes++;
    if (busy()) return 0xFF; /* the page is still needed */
    page_n = 0;
    if (state == IDLE) memset(page_set, 0, sizeof page_set);
    return 0xFF;
  }
  if (command == STATUS) return (uint8_t)(busy() | enabled << 1);
  if (busy()) return 0xFF;
  if (command == ID) return at == 1 ? 0xEF : at == 2 ? 0x40 : capacity;
  if (command != PROGRAM && command != READ && command != ERASE) return 0xFF;
  if (at <= 3) {
    addr = (at == 1 ? 0 : addr << 8) | in;
    return 0xFF;
  }
  if (command == READ) {
    const uint32_t place = addr++ % memory_bytes;
    if (state != SUSPENDED || place / SECTOR_BYTES != work_addr / SECTOR_BYTES) return memory[place];
    rig->nor_clashes++;
    return (uint8_t)rand();
  }
  if (command == PROGRAM) { /* beyond the end of the page it begins anew */
    const uint32_t place = (addr + page_n++) % PAGE_BYTES;
    page[place] = in;
    page_set[place] = true;
  }
  return 0xFF;
}

static void work(void) {
  if (state == SUSPENDED) { /* a W25Q would program another sector; this firmware never asks for it */
    rig->nor_clashes++;
    return;
  }
  work_erases = command == ERASE;
  work_addr = addr % memory_bytes / (work_erases ? SECTOR_BYTES : PAGE_BYTES) * (work_erases ? SECTOR_BYTES : PAGE_BYTES);
  state = WORKS;
  if (work_erases)
    rig->nor_erases++;
  else
    rig->nor_programs++;
  done_at = rig->avr->cycle + rig_us(rig, work_erases ? SECTOR_ERASE_US : PROGRAM_US(page_n));
}

static void suspend(void) {
  settle();
  if (!suspends || state != WORKS || !work_erases) return;
  const avr_cycle_count_t now = rig->avr->cycle;
  if (now < resumed_at + rig_us(rig, SUSPEND_US)) rig->nor_clashes++;
  left = done_at - now;
  state = SUSPENDED;
  done_at = now + rig_us(rig, SUSPEND_US);
  rig->nor_suspends++;
}

static void resume(void) {
  if (state != SUSPENDED) return;
  if (busy()) {
    rig->nor_clashes++;
    return;
  }
  state = WORKS;
  resumed_at = rig->avr->cycle;
  done_at = resumed_at + left + rig_us(rig, RESUME_US);
}

static void on_select(bool now) {
  if (now) {
    taken = 0;
    return;
  }
  if (taken == 0) return;
  if (command == SUSPEND) suspend();
  if (command == RESUME) resume();
  if (busy()) return;
  if (command == ENABLE) enabled = true;
  if (enabled && (command == ERASE ? taken == 4 : command == PROGRAM && taken > 4)) work();
}

void nor_start(rig_t *with, const char *file, uint8_t size_log2, bool can_suspend, char cs_port, int cs_bit) {
  static const spi_device device = {.select = on_select, .exchange = exchange};
  rig = with;
  suspends = can_suspend;
  capacity = size_log2;
  memory_bytes = 1u << size_log2;
  memory = rig_map(file, memory_bytes);
  spi_start(rig, &device, cs_port, cs_bit);
}

/* Some of the bits have changed, any of them. */
void nor_cut(void) {
  if (!memory) return;
  settle();
  enabled = false;
  if (state == IDLE) return;
  state = IDLE;
  const uint32_t n = work_erases ? SECTOR_BYTES : PAGE_BYTES;
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *byte = memory + work_addr + i;
    const uint8_t changed = (uint8_t)rand();
    if (work_erases)
      *byte |= changed;
    else if (page_set[i])
      *byte &= (uint8_t)(page[i] | changed);
  }
}
