/*
 * What of the board library is compiled in on which chip: the Arduino IDE cannot pass a sketch's wishes to a library. PlatformIO can
 * (build_flags), and what it passes counts.
 */
#ifndef PIXELGATE_OPTIONS_H
#define PIXELGATE_OPTIONS_H

#ifdef __AVR__

/* SHA-256 takes 3,500 cycles a byte, SipHash 245. */
#ifndef PG_WITH_SHA256
#define PG_WITH_SHA256 0
#endif

/* The core's receive buffer holds 63 bytes: too few for a faster line. */
#ifndef PG_WITH_SETBAUD
#define PG_WITH_SETBAUD 0
#endif

/* 32 KB of flash hold the library, the core and little else. */
#ifndef __AVR_HAVE_JMP_CALL__
#error "pixelgate needs a chip with 32 KB of flash at least"
#elif !defined(__AVR_HAVE_ELPM__)
#ifndef PG_WITH_LZ
#define PG_WITH_LZ 0
#endif
#ifndef PG_WITH_COPY
#define PG_WITH_COPY 0
#endif
#ifndef PG_WITH_LIVE
#define PG_WITH_LIVE 0
#endif
#endif

#endif

#endif
