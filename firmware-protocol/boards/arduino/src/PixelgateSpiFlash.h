/* SPI NOR flash of the W25Q kind: 24-bit addresses, pages of 256 bytes, sectors of 4 KB; size by its JEDEC id, 64 KB to 16 MB. */
#ifndef PIXELGATE_SPI_FLASH_H
#define PIXELGATE_SPI_FLASH_H

#include <Arduino.h>
#include <SPI.h>

#include "PixelgateStorage.h"

class PixelgateSpiFlash : public PixelgateStorage {
 public:
  explicit PixelgateSpiFlash(uint8_t csPin, uint32_t hertz = 8000000) : cs_(csPin), hertz_(hertz) {}

  bool begin(pg_storage &storage) override {
    pinMode(cs_, OUTPUT);
    digitalWrite(cs_, HIGH);
    SPI.begin();
    command(wake);
    finish();
    select(jedecId);
    SPI.transfer(0);
    SPI.transfer(0);
    const uint8_t capacity = SPI.transfer(0);
    deselect();
    if (capacity < 16 || capacity > 24) return false;
    storage.read = read;
    storage.write = write;
    storage.erase = erase;
    storage.ctx = this;
    storage.bytes = (uint32_t)1 << capacity;
    storage.erase_unit = sectorBytes;
    return true;
  }

 private:
  static const uint16_t pageBytes = 256, sectorBytes = 4096;
  static const uint8_t pageProgram = 0x02, readData = 0x03, readStatus = 0x05, writeEnable = 0x06, sectorErase = 0x20, jedecId = 0x9F, wake = 0xAB;
  static const uint16_t longestBusyMs = 2000; /* a worn sector takes 400 ms */

  void select(uint8_t code) {
    SPI.beginTransaction(SPISettings(hertz_, MSBFIRST, SPI_MODE0));
    digitalWrite(cs_, LOW);
    SPI.transfer(code);
  }

  void deselect() {
    digitalWrite(cs_, HIGH);
    SPI.endTransaction();
  }

  void command(uint8_t code) {
    select(code);
    deselect();
  }

  void address(uint8_t code, uint32_t addr) {
    select(code);
    SPI.transfer((uint8_t)(addr >> 16));
    SPI.transfer((uint8_t)(addr >> 8));
    SPI.transfer((uint8_t)addr);
  }

  /* Ends a command and waits until the chip is no longer busy. */
  int finish() {
    deselect();
    select(readStatus);
    const uint32_t began = millis();
    uint8_t busy;
    while ((busy = SPI.transfer(0) & 1) && millis() - began < longestBusyMs) continue;
    deselect();
    return busy ? PG_STORAGE : 0;
  }

  static int read(void *self, uint32_t addr, void *bytes, uint32_t n) {
    PixelgateSpiFlash *flash = static_cast<PixelgateSpiFlash *>(self);
    uint8_t *to = static_cast<uint8_t *>(bytes);
    flash->address(readData, addr);
    while (n--) *to++ = SPI.transfer(0);
    flash->deselect();
    return 0;
  }

  static int write(void *self, uint32_t addr, const void *bytes, uint32_t n) {
    PixelgateSpiFlash *flash = static_cast<PixelgateSpiFlash *>(self);
    const uint8_t *from = static_cast<const uint8_t *>(bytes);
    while (n) { /* a page at a time; beyond its end the address would wrap */
      const uint16_t room = (uint16_t)(pageBytes - addr % pageBytes);
      uint16_t take = n < room ? (uint16_t)n : room;
      n -= take;
      flash->command(writeEnable);
      flash->address(pageProgram, addr);
      addr += take;
      while (take--) SPI.transfer(*from++);
      if (flash->finish()) return PG_STORAGE;
    }
    return 0;
  }

  static int erase(void *self, uint32_t addr, uint32_t n) {
    PixelgateSpiFlash *flash = static_cast<PixelgateSpiFlash *>(self);
    for (const uint32_t end = addr + n; addr < end; addr += sectorBytes) {
      flash->command(writeEnable);
      flash->address(sectorErase, addr);
      if (flash->finish()) return PG_STORAGE;
    }
    return 0;
  }

  uint8_t cs_;
  uint32_t hertz_;
};

#endif
