/* The EEPROM of an AVR as one slot: 1 KB (Uno) or 4 KB (Mega). While a pattern arrives nothing plays. */
#ifndef PIXELGATE_EEPROM_H
#define PIXELGATE_EEPROM_H

#ifndef __AVR__
#error "Only an AVR has an EEPROM; an ESP emulates one in flash, which a power cut destroys. Use its flash: PixelgateEsp8266Flash.h, PixelgateEsp32Partition.h"
#endif

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "PixelgateStorage.h"

class PixelgateEeprom : public PixelgateStorage {
 public:
  bool begin(pg_storage &storage) override {
    storage.read = read;
    storage.write = write;
    storage.erase = erase;
    storage.bytes = E2END + 1ul;
    storage.erase_unit = 32; /* at most 58 ms a slice */
    return true;
  }
  uint8_t slots() const override { return 1; }
  uint8_t flags() const override { return PG_FLAG_NO_ERASE; }

 private:
  static uint8_t get(uint16_t addr) {
    EEAR = addr;
    EECR |= _BV(EERE);
    return EEDR;
  }

  /* Returns when the byte is durable. Bits that are only to be cleared are never set meanwhile, so a cut cannot bring them back. */
  static void put(uint16_t addr, uint8_t value) {
    const uint8_t old = get(addr);
    if (old == value) return;
    EECR = value == 0xFF ? _BV(EEPM0) : (old & value) == value ? _BV(EEPM1) : 0;
    EEAR = addr;
    EEDR = value;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { /* EEPE within four cycles of EEMPE */
      EECR |= _BV(EEMPE);
      EECR |= _BV(EEPE);
    }
    while (EECR & _BV(EEPE)) continue;
  }

  static int read(void *, uint32_t addr, void *bytes, uint32_t n) {
    uint8_t *to = static_cast<uint8_t *>(bytes);
    uint16_t at = (uint16_t)addr;
    for (uint16_t left = (uint16_t)n; left; left--) *to++ = get(at++);
    return 0;
  }

  static int write(void *, uint32_t addr, const void *bytes, uint32_t n) {
    const uint8_t *from = static_cast<const uint8_t *>(bytes);
    uint16_t at = (uint16_t)addr;
    for (uint16_t left = (uint16_t)n; left; left--) put(at++, *from++);
    return 0;
  }

  static int erase(void *, uint32_t addr, uint32_t n) {
    uint16_t at = (uint16_t)addr;
    for (uint16_t left = (uint16_t)n; left; left--) put(at++, 0xFF);
    return 0;
  }
};

#endif
