#ifndef NOR_H
#define NOR_H

#include "pixelgate/storage.h"

void nor_start(pg_storage *storage);

/* For port_store_erases. */
int nor_works(void *ctx);

#endif
