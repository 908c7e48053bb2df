/*
 * The picture and when it leaves. The library's loop is late by as long as a frame from the line or a block to decode takes, a few ms. So a
 * picture waits up to 8 ms as symbols, and the clock's interrupt puts it out, each exactly as long after the last as that one was to stay.
 */
#ifndef STRIP_H
#define STRIP_H

#include <stdint.h>

/* Bytes of the next picture. */
void strip_put(uint32_t at, const uint8_t *bytes, uint32_t n);

/* 0 while the last picture has not left, or is leaving: strip_show would wait for it. */
int strip_ready(void);

/* The picture is complete; it stays for delay_ms (0: unknown). The first of another pattern leaves in a few ms. */
void strip_show(uint32_t delay_ms, const uint8_t pattern[16]);

/* At every step of the clock, by its interrupt. */
void strip_step(uint32_t now_steps);

#endif
