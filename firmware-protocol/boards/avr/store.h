/* Where patterns are kept: EEPROM, a NOR flash or an SD card on SPI, whichever is built in. */
#ifndef STORE_H
#define STORE_H

#include "pixelgate/storage.h"

/* Returns 0, or -1 when there is no such chip or card, or the card has no partition for it. */
int store_start(pg_storage *storage);

#ifdef STORAGE_NOR
/* For pg_config.erases. */
int store_erases(void *ctx);
#endif

#endif
