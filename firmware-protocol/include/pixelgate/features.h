/*
 * What is compiled in. Define any of these to 0 (or to another size) on the command line to fit a small chip;
 * CAPS tells the host what is left.
 */
#ifndef PIXELGATE_FEATURES_H
#define PIXELGATE_FEATURES_H

/* Where a build cannot pass such defines, it brings a file with them (Arduino). */
#ifdef __has_include
#if __has_include("pixelgate/options.h")
#include "pixelgate/options.h"
#endif
#endif

#ifndef PG_WITH_SHA256 /* VERIFY alg 0 */
#define PG_WITH_SHA256 1
#endif
#ifndef PG_WITH_SIPHASH /* VERIFY alg 1 */
#define PG_WITH_SIPHASH 1
#endif
#ifndef PG_WITH_RLE /* codec 1 */
#define PG_WITH_RLE 1
#endif
#ifndef PG_WITH_LZ /* codecs 2 and 3; need a decode buffer */
#define PG_WITH_LZ 1
#endif
#ifndef PG_WITH_LIVE /* FILL, and FRAME if the caller gives a live buffer */
#define PG_WITH_LIVE 1
#endif
#ifndef PG_WITH_COPY /* BLOCKS and COPY */
#define PG_WITH_COPY 1
#endif
#ifndef PG_WITH_SETBAUD
#define PG_WITH_SETBAUD 1
#endif
#ifndef PG_WITH_PAIRING /* PAIR; its MACs are those of the digests that are compiled in. 4 KB that most AVRs have not */
#ifdef __AVR__
#define PG_WITH_PAIRING 0
#else
#define PG_WITH_PAIRING (PG_WITH_SIPHASH || PG_WITH_SHA256)
#endif
#endif

#ifndef PG_CHUNK /* bytes moved between storage and stack at a time; multiple of 12, ≥ 24 */
#ifdef __AVR__
#define PG_CHUNK 24
#else
#define PG_CHUNK 240
#endif
#endif

#ifndef PG_READ_AHEAD /* bytes of a stored block that the decoder keeps, 1 … 255 */
#ifdef __AVR__
#define PG_READ_AHEAD 16
#else
#define PG_READ_AHEAD 128
#endif
#endif

/* Constant tables stay in flash on AVR, where they would otherwise be copied to RAM. */
#if defined(__AVR__) && !defined(__clang__)
#define PG_FLASH __attribute__((__progmem__))
#else
#define PG_FLASH
#endif

#endif
