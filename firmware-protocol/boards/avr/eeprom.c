/*
 * The chip's EEPROM as one slot: 1 KB (328P) or 4 KB (2560). A byte takes 3.4 ms to rewrite, 1.8 ms to erase or to
 * program alone, so what is there already is left alone.
 */
#include <avr/io.h>
#include <util/atomic.h>

#include "store.h"

#ifdef STORAGE_EEPROM

#define EEPROM_BYTES (E2END + 1u)
#define ERASE_AND_WRITE 0
#define ERASE_ONLY _BV(EEPM0)
#define WRITE_ONLY _BV(EEPM1)

static uint8_t get(uint16_t addr) {
  EEAR = addr;
  EECR |= _BV(EERE);
  return EEDR;
}

/* Returns when the byte is durable. */
static void put(uint16_t addr, uint8_t value) {
  const uint8_t old = get(addr);
  if (old == value) return;
  const uint8_t mode = value == 0xFF ? ERASE_ONLY : (old & value) == value ? WRITE_ONLY : ERASE_AND_WRITE;
  EECR = mode;
  EEAR = addr;
  EEDR = value;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { /* EEPE within four cycles of EEMPE */
    EECR |= _BV(EEMPE);
    EECR |= _BV(EEPE);
  }
  while (EECR & _BV(EEPE)) continue;
}

static int read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  uint8_t *to = bytes;
  uint16_t at = (uint16_t)addr;
  (void)ctx;
  for (uint16_t left = (uint16_t)n; left; left--) *to++ = get(at++);
  return 0;
}

static int write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  uint16_t at = (uint16_t)addr;
  (void)ctx;
  for (uint16_t left = (uint16_t)n; left; left--) put(at++, *from++);
  return 0;
}

static int erase(void *ctx, uint32_t addr, uint32_t n) {
  uint16_t at = (uint16_t)addr;
  (void)ctx;
  for (uint16_t left = (uint16_t)n; left; left--) put(at++, 0xFF);
  return 0;
}

int store_start(pg_storage *storage) {
  storage->read = read;
  storage->write = write;
  storage->erase = erase;
  storage->bytes = EEPROM_BYTES;
  storage->erase_unit = 32; /* at most 58 ms a slice */
  return 0;
}

#endif
