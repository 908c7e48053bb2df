/* An SD card on SPI, by sectors of 512 bytes. The last two of those that this firmware writes hold a check (see sd_write). */
#ifndef SD_H
#define SD_H

#include <stdint.h>

#define SD_SECTOR_BYTES 512u
#define SD_OWN_BYTES 510u /* of them, the caller's */

enum { SD_FAILS = -1, SD_UNREADABLE = -2, SD_NOT_NEWER = 1 };

/* Returns 0, or SD_FAILS when no card answers. Takes 2 s at most where there is none. */
int sd_start(void);

/*
 * Reads a sector and tells the mark that it was written with: that of a sector which holds something else is 0 or by chance any.
 * With `newer_than` it first looks at the number in the first four bytes (little-endian); if that is not newer, `bytes` stay as they are.
 * Returns 0, SD_NOT_NEWER, SD_UNREADABLE (the card says so of this sector) or SD_FAILS (it does not answer).
 */
int sd_read(uint32_t sector, uint8_t bytes[SD_SECTOR_BYTES], const uint32_t *newer_than, uint16_t *mark);

/* Writes SD_OWN_BYTES and behind them their CRC-16 xor `mark`. Returns when the card is done: 0 or SD_FAILS. */
int sd_write(uint32_t sector, const uint8_t *bytes, uint16_t mark);

#endif
