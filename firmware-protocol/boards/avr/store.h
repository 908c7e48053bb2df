/* Where patterns are kept: EEPROM or a NOR flash on SPI, whichever is built in. */
#ifndef STORE_H
#define STORE_H

#include "pixelgate/storage.h"

/* Returns 0, or -1 when there is no such chip. */
int store_start(pg_storage *storage);

#ifdef STORAGE_NOR
/* For pg_config.erases. */
int store_erases(void *ctx);
#endif

#endif
