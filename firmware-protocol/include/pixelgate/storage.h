/*
 * Storage as the board sees it: NOR semantics. write() may be asked to clear bits only (1 → 0) since the last
 * erase; writing the same bytes again must be harmless. EEPROM and files do more than that, which is fine.
 * All three return 0, or a negative number on failure. They return when the operation is durable; for erase see also
 * pg_config.erases.
 */
#ifndef PIXELGATE_STORAGE_H
#define PIXELGATE_STORAGE_H

#include <stdint.h>

typedef struct pg_storage {
  int (*read)(void *ctx, uint32_t addr, void *bytes, uint32_t n);
  int (*write)(void *ctx, uint32_t addr, const void *bytes, uint32_t n);
  int (*erase)(void *ctx, uint32_t addr, uint32_t n); /* addr and n are multiples of erase_unit; afterwards 0xFF */
  void *ctx;
  uint32_t bytes;
  uint32_t erase_unit;
} pg_storage;

#endif
