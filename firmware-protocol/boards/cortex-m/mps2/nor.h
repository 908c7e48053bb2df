#ifndef NOR_H
#define NOR_H

#include "pixelgate/storage.h"

extern uint64_t nor_taken;

void nor_start(pg_storage *storage);

#endif
