/*
 * The picture and when it leaves. The library's loop is late by as long as a frame from the line or a block to decode takes, a few ms. So a
 * picture waits up to 8 ms in its buffer and a timer puts it out, each exactly as long after the last as that one was to stay.
 */
#ifndef STRIP_H
#define STRIP_H

#include <stdint.h>

void strip_start(void);
/* Bytes of the next picture. Waits until the last one has left. */
void strip_put(uint16_t at, const uint8_t *bytes, uint16_t n);
/* The picture is complete; it stays for delay_ms (0: unknown). The first of another pattern leaves in a few ms. */
void strip_show(uint32_t delay_ms, uint32_t pattern);

#endif
