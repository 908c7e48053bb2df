#ifndef PIXELGATE_STORAGE_ADAPTER_H
#define PIXELGATE_STORAGE_ADAPTER_H

extern "C" {
#include "pixelgate/board.h"
}

/*
 * Where patterns are kept. An adapter fills `storage` (three functions with NOR semantics, see pixelgate/storage.h) and says how many
 * patterns it is to hold.
 */
class PixelgateStorage {
 public:
  /* Returns false when there is no such memory. */
  virtual bool begin(pg_storage &storage) = 0;
  virtual uint8_t slots() const { return 2; }
  virtual uint8_t flags() const { return 0; }
};

#endif
