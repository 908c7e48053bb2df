/*
 * NOR flash in the PSRAM of the board, which survives a reset; QEMU keeps it in a file, so it survives the end of QEMU too. Programming
 * clears bits, erasing sets sectors, and both take the time that a W25Q takes (typical values of its data sheet), byte after byte: what cuts
 * the power meanwhile leaves the rest undone. Reading costs no time, as with flash that is mapped into memory.
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

uint64_t nor_taken; /* ticks spent here; the rig reads it */

static int read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  uint8_t *to = bytes;
  (void)ctx;
  if (addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  while (n--) *to++ = NOR[addr++];
  return 0;
}

static int write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  const uint64_t began = clock_ticks();
  uint64_t done = began;
  (void)ctx;
  if (addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  for (uint32_t i = 0; i < n; i++, addr++) {
    done += PROGRAM_TICKS_PER_BYTE;
    if (i == 0 || addr % PAGE_BYTES == 0) done += FIRST_BYTE_US * CLOCK_TICKS_PER_US;
    while (clock_ticks() < done) continue;
    NOR[addr] = NOR[addr] & from[i];
  }
  nor_taken += clock_ticks() - began;
  return 0;
}

static int erase(void *ctx, uint32_t addr, uint32_t n) {
  const uint64_t began = clock_ticks();
  uint64_t done = began;
  (void)ctx;
  if (addr % SECTOR_BYTES || n % SECTOR_BYTES || addr > NOR_BYTES || n > NOR_BYTES - addr) return -1;
  for (uint32_t i = 0; i < n; i++) {
    if (i % ERASE_STEP_BYTES == 0) done += ERASE_US * CLOCK_TICKS_PER_US / (SECTOR_BYTES / ERASE_STEP_BYTES);
    while (clock_ticks() < done) continue;
    NOR[addr + i] = 0xFF;
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
