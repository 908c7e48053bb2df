/*
 * What a chip has to provide; everything else is the same on every Cortex-M. A port is a folder with these functions, the
 * vectors of its interrupts (section .vectors.chip) and a linker script. CPU_HZ is the rate of SysTick.
 */
#ifndef PORT_H
#define PORT_H

#include <stddef.h>
#include <stdint.h>

#include "pixelgate/storage.h"

#define PORT_START_BAUD 115200u

extern const char port_name[];
extern const uint32_t port_max_baud;

/* Clocks and pins; the line receives from here on. Called once, before everything else, with interrupts off. */
void port_start(void);

/* The line. What arrives goes into the ring (ring_put) by interrupt or DMA. */
void port_send(const uint8_t *bytes, size_t n); /* takes all of it */
void port_set_baud(uint32_t baud);              /* lets all output leave first; 0 = PORT_START_BAUD */

/* Returns 0, or -1 when there is no storage. */
int port_store(pg_storage *storage);
/* pg_config.erases; a chip whose storage waits in `erase` answers 0. */
int port_store_erases(void *ctx);

/*
 * Puts n symbols (ws2812.h) on the strip, as DMA does: they stay as they are until port_strip_busy is 0 again, which is when
 * the strip has taken them and its latch time has passed. port_strip is called by SysTick's interrupt.
 */
void port_strip(const uint8_t *symbols, size_t n);
int port_strip_busy(void);

void port_light(int on);

/* Sleeps until an interrupt, which SysTick's is within half a millisecond. Called with interrupts off, so that none is missed: WFI wakes all the same. */
void port_sleep(void);

#endif
