/*
 * NOR flash in the PSRAM of the board, which survives a reset; QEMU keeps it in a file, so it survives the end of QEMU too. Programming
 * clears bits, erasing sets sectors, and both take the time that a W25Q takes (typical values of its data sheet), byte after byte: what cuts
 * the power meanwhile leaves the rest undone. Reading costs no time, as with flash that is mapped into memory.
 *
 * An erase goes on behind (pg_config.erases). A read elsewhere suspends it, which takes 20 µs, and at each resume it loses a millisecond; what
 * changes the flash, and a read of that sector, waits for its end.
 */
#include "nor.h"

#include "../clock.h"

#define NOR ((volatile uint8_t *)0x21000000u)
#define NOR_BYTES (1024u * 1024u)
#define SECTOR_BYTES 4096u
#define ERASE_STEP_BYTES 64u
#define PAGE_BYTES 256u
#define FIRST_BYTE_US 30u
#define PROGRAM_TICKS_PER_BYTE (CLOCK_TICKS_PER_US * 5u / 2u)
#define ERASE_US 45000u
#define ERASE_STEP_TICKS (ERASE_US * CLOCK_TICKS_PER_US / (SECTOR_BYTES / ERASE_STEP_BYTES))
#define SUSPEND_US 20u
#define RESUME_US 1000u
#define MOST_PAUSES 100u /* then an erase goes through, however often somebody reads */

uint64_t nor_taken; /* ticks that somebody waited here; the rig reads it and those below */
uint32_t nor_erases, nor_suspends;

static enum { NO_ERASE, ERASES, PAUSES } state;
static uint32_t erased, done; /* the sector, and how much of it is 0xFF */
static uint64_t step_end;     /* when the next bytes will be, ticks */
static uint64_t step_left;    /* of that, while it is suspended */
static uint32_t pauses;

static void wait_until(uint64_t ticks) {
  while (clock_ticks() < ticks) continue;
}

/* What the chip has erased by itself since somebody looked last. */
static void work(void) {
  for (const uint64_t now = clock_ticks(); state == ERASES && now >= step_end; step_end += ERASE_STEP_TICKS) {
    for (uint32_t i = 0; i < ERASE_STEP_BYTES; i++) NOR[erased + done++] = 0xFF;
    if (done == SECTOR_BYTES) state = NO_ERASE;
  }
}

static void resume(void) {
  step_end = clock_ticks() + step_left + RESUME_US * CLOCK_TICKS_PER_US;
  state = ERASES;
}

static void finish_erase(void) {
  if (state == PAUSES) resume();
  while (state != NO_ERASE) work();
}

static void pause_erase(void) {
  work();
  if (state != ERASES) return;
  const uint64_t now = clock_ticks();
  step_left = step_end > now ? step_end - now : 0;
  state = PAUSES;
  pauses++;
  nor_suspends++;
  wait_until(now + SUSPEND_US * CLOCK_TICKS_PER_US);
}

int nor_works(void *ctx) {
  (void)ctx;
  if (state == PAUSES) resume();
  work();
  return state != NO_ERASE;
}

static int read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  uint8_t *to = bytes;
  const uint64_t began = clock_ticks();
  (void)ctx;
  if (addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  if (state != NO_ERASE) {
    if (pauses == MOST_PAUSES || (addr < erased + SECTOR_BYTES && addr + n > erased))
      finish_erase();
    else
      pause_erase();
    nor_taken += clock_ticks() - began;
  }
  while (n--) *to++ = NOR[addr++];
  return 0;
}

static int write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  const uint64_t began = clock_ticks();
  (void)ctx;
  if (addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  finish_erase();
  uint64_t ready = clock_ticks();
  for (uint32_t i = 0; i < n; i++, addr++) {
    ready += PROGRAM_TICKS_PER_BYTE;
    if (i == 0 || addr % PAGE_BYTES == 0) ready += FIRST_BYTE_US * CLOCK_TICKS_PER_US;
    wait_until(ready);
    NOR[addr] = NOR[addr] & from[i];
  }
  nor_taken += clock_ticks() - began;
  return 0;
}

/* Returns when the last sector's erase has begun. */
static int erase(void *ctx, uint32_t addr, uint32_t n) {
  const uint64_t began = clock_ticks();
  (void)ctx;
  if (addr % SECTOR_BYTES || n % SECTOR_BYTES || addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  for (const uint32_t end = addr + n; addr < end; addr += SECTOR_BYTES) {
    finish_erase();
    erased = addr;
    done = pauses = 0;
    step_end = clock_ticks() + ERASE_STEP_TICKS;
    state = ERASES;
    nor_erases++;
  }
  nor_taken += clock_ticks() - began;
  return 0;
}

void nor_start(pg_storage *storage) {
  storage->read = read;
  storage->write = write;
  storage->erase = erase;
  storage->bytes = NOR_BYTES;
  storage->erase_unit = SECTOR_BYTES;
}
