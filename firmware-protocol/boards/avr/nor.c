/*
 * SPI NOR flash of the W25Q kind: 24-bit addresses, 256-byte pages, 4 KB sectors, size by its JEDEC id.
 *
 * Erasing a sector takes 45 ms (400 at worst), in which a frame may be due. So erase returns at once, and a read elsewhere suspends it (75h;
 * W25Q80DV data sheet, Erase / Program Suspend). What changes the flash, and a read of that sector, waits for its end. A chip that does
 * not know the command stays busy until the erase is over, which is waited for in the same place.
 */
#include <avr/io.h>
#include <util/delay.h>

#include "store.h"
#include "target.h"

#ifdef STORAGE_NOR

#define PAGE_BYTES 256u
#define SECTOR_BYTES 4096u
#define CMD_PROGRAM 0x02
#define CMD_READ 0x03
#define CMD_STATUS 0x05
#define CMD_WRITE_ENABLE 0x06
#define CMD_ERASE 0x20
#define CMD_SUSPEND 0x75
#define CMD_RESUME 0x7A
#define CMD_ID 0x9F
#define CMD_WAKE 0xAB
#define BUSY 1
#define RESUMED_US 20 /* after a resume, before the next suspend */
#define MOST_PAUSES 100u /* then an erase goes through, however often somebody reads */

static enum { NO_ERASE, ERASES, PAUSES } state;
static uint32_t erased; /* the sector */
static uint8_t pauses;

static uint8_t swap(uint8_t byte) {
  SPDR = byte;
  while (!(SPSR & _BV(SPIF))) continue;
  return SPDR;
}

static void select(uint8_t command) {
  PORTB = (uint8_t)(PORTB & ~_BV(SPI_CS));
  swap(command);
}

static void deselect(void) { PORTB = (uint8_t)(PORTB | _BV(SPI_CS)); }

static void address(uint8_t command, uint32_t addr) {
  select(command);
  swap((uint8_t)(addr >> 16));
  swap((uint8_t)(addr >> 8));
  swap((uint8_t)addr);
}

static void give(uint8_t command) {
  select(command);
  deselect();
}

static uint8_t works(void) {
  select(CMD_STATUS);
  const uint8_t status = swap(0);
  deselect();
  return status & BUSY;
}

static void resume(void) {
  give(CMD_RESUME);
  _delay_us(RESUMED_US);
  state = ERASES;
}

static void finish_erase(void) {
  if (state == PAUSES) resume();
  while (works()) continue;
  state = NO_ERASE;
}

static void pause_erase(void) {
  if (state != ERASES) return;
  if (!works()) {
    state = NO_ERASE;
    return;
  }
  give(CMD_SUSPEND);
  while (works()) continue;
  state = PAUSES;
  pauses++;
}

int store_erases(void *ctx) {
  (void)ctx;
  if (state == PAUSES) resume();
  if (state == ERASES && !works()) state = NO_ERASE;
  return state != NO_ERASE;
}

static int read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  uint8_t *to = bytes;
  (void)ctx;
  if (state != NO_ERASE) {
    if (pauses == MOST_PAUSES || (addr < erased + SECTOR_BYTES && addr + n > erased))
      finish_erase();
    else
      pause_erase();
  }
  address(CMD_READ, addr);
  for (uint16_t left = (uint16_t)n; left; left--) *to++ = swap(0);
  deselect();
  return 0;
}

static int write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  uint16_t left = (uint16_t)n;
  (void)ctx;
  finish_erase();
  while (left) { /* a page at a time; beyond its end the address would wrap */
    const uint16_t room = (uint16_t)(PAGE_BYTES - (uint8_t)addr);
    uint16_t take = left < room ? left : room;
    left = (uint16_t)(left - take);
    give(CMD_WRITE_ENABLE);
    address(CMD_PROGRAM, addr);
    addr += take;
    while (take--) swap(*from++);
    deselect();
    while (works()) continue;
  }
  return 0;
}

/* Returns when the last sector's erase has begun. */
static int erase(void *ctx, uint32_t addr, uint32_t n) {
  (void)ctx;
  for (const uint32_t end = addr + n; addr < end; addr += SECTOR_BYTES) {
    finish_erase();
    give(CMD_WRITE_ENABLE);
    address(CMD_ERASE, addr);
    deselect();
    state = ERASES;
    erased = addr;
    pauses = 0;
  }
  return 0;
}

int store_start(pg_storage *storage) {
  DDRB = (uint8_t)(DDRB | _BV(SPI_CS) | _BV(SPI_MOSI) | _BV(SPI_SCK));
  deselect();
  SPCR = _BV(SPE) | _BV(MSTR);
  SPSR = _BV(SPI2X); /* 8 MHz */
  give(CMD_WAKE);
  _delay_us(RESUMED_US);
  resume(); /* the chip may have been reset in the middle of an erase, and the flash not */
  finish_erase();
  select(CMD_ID);
  swap(0);
  swap(0);
  const uint8_t capacity = swap(0);
  deselect();
  if (capacity < 16 || capacity > 24) return -1;
  storage->read = read;
  storage->write = write;
  storage->erase = erase;
  storage->bytes = (uint32_t)1 << capacity;
  storage->erase_unit = SECTOR_BYTES;
  return 0;
}

#endif
