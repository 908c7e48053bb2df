/*
 * A data partition of an ESP32: "pixelgate" where the partition table has one, else the file system's ("spiffs" in the usual tables), which a
 * sketch that uses this must not use otherwise.
 */
#ifndef PIXELGATE_ESP32_PARTITION_H
#define PIXELGATE_ESP32_PARTITION_H

#ifndef ESP32
#error "This is for an ESP32"
#endif

#include <esp_partition.h>

#include "PixelgateStorage.h"

class PixelgateEsp32Partition : public PixelgateStorage {
 public:
  explicit PixelgateEsp32Partition(const char *label = "pixelgate") : label_(label) {}

  bool begin(pg_storage &storage) override {
    partition_ = find(label_);
    if (!partition_) partition_ = find("spiffs");
    if (!partition_ || partition_->encrypted) return false; /* what is encrypted cannot be programmed byte by byte */
    storage.read = read;
    storage.write = write;
    storage.erase = erase;
    storage.ctx = this;
    storage.bytes = partition_->size;
    storage.erase_unit = 4096;
    return true;
  }

 private:
  static const esp_partition_t *find(const char *label) {
    return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, label);
  }

  static const esp_partition_t *of(void *self) { return static_cast<PixelgateEsp32Partition *>(self)->partition_; }

  static int read(void *self, uint32_t addr, void *bytes, uint32_t n) {
    return esp_partition_read(of(self), addr, bytes, n) == ESP_OK ? 0 : PG_STORAGE;
  }

  static int write(void *self, uint32_t addr, const void *bytes, uint32_t n) {
    return esp_partition_write(of(self), addr, bytes, n) == ESP_OK ? 0 : PG_STORAGE;
  }

  static int erase(void *self, uint32_t addr, uint32_t n) {
    return esp_partition_erase_range(of(self), addr, n) == ESP_OK ? 0 : PG_STORAGE;
  }

  const char *label_;
  const esp_partition_t *partition_ = nullptr;
};

#endif
