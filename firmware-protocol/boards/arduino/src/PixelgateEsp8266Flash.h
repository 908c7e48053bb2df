/*
 * The file system's part of an ESP8266's flash, without a file system: choose a flash size with one (Tools, Flash Size, FS:1MB). A sketch that
 * uses this must not use LittleFS or SPIFFS.
 */
#ifndef PIXELGATE_ESP8266_FLASH_H
#define PIXELGATE_ESP8266_FLASH_H

#ifndef ESP8266
#error "This is for an ESP8266"
#endif

#include <Arduino.h>
#include <flash_hal.h>

#include "PixelgateStorage.h"

class PixelgateEsp8266Flash : public PixelgateStorage {
 public:
  bool begin(pg_storage &storage) override {
    const uint32_t bytes = FS_PHYS_SIZE / sectorBytes * sectorBytes;
    if (bytes == 0) return false;
    storage.read = read;
    storage.write = write;
    storage.erase = erase;
    storage.bytes = bytes;
    storage.erase_unit = sectorBytes;
    return true;
  }

 private:
  static const uint32_t sectorBytes = 4096, pieceWords = 32;

  /* The flash is read and written by words; a byte of 0xFF beside those wanted programs nothing. */
  template <typename Each>
  static int words(uint32_t addr, uint32_t n, Each each) {
    uint32_t piece[pieceWords];
    const uint32_t base = FS_PHYS_ADDR;
    for (const uint32_t end = addr + n; addr < end;) {
      const uint32_t first = addr & ~3u, lead = addr - first;
      uint32_t take = sizeof piece - lead;
      if (take > end - addr) take = end - addr;
      if (!each(base + first, piece, (lead + take + 3) & ~3u, lead, take)) return PG_STORAGE;
      addr += take;
    }
    return 0;
  }

  static int read(void *, uint32_t addr, void *bytes, uint32_t n) {
    uint8_t *to = static_cast<uint8_t *>(bytes);
    return words(addr, n, [&to](uint32_t at, uint32_t *piece, uint32_t size, uint32_t lead, uint32_t take) {
      if (!ESP.flashRead(at, piece, size)) return false;
      memcpy(to, reinterpret_cast<uint8_t *>(piece) + lead, take);
      to += take;
      return true;
    });
  }

  static int write(void *, uint32_t addr, const void *bytes, uint32_t n) {
    const uint8_t *from = static_cast<const uint8_t *>(bytes);
    return words(addr, n, [&from](uint32_t at, uint32_t *piece, uint32_t size, uint32_t lead, uint32_t take) {
      memset(piece, 0xFF, size);
      memcpy(reinterpret_cast<uint8_t *>(piece) + lead, from, take);
      from += take;
      return ESP.flashWrite(at, piece, size);
    });
  }

  static int erase(void *, uint32_t addr, uint32_t n) {
    const uint32_t base = FS_PHYS_ADDR;
    for (const uint32_t end = addr + n; addr < end; addr += sectorBytes)
      if (!ESP.flashEraseSector((base + addr) / sectorBytes)) return PG_STORAGE;
    return 0;
  }
};

#endif
