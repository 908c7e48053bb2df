/* Error codes: those of ERR on the wire (SPEC §2.6), negated. 0 is success. */
#ifndef PIXELGATE_ERRORS_H
#define PIXELGATE_ERRORS_H

enum pg_error {
  PG_OK = 0,
  PG_UNSUPPORTED = -1,
  PG_BAD_LENGTH = -2,
  PG_BAD_STATE = -3,
  PG_NO_SESSION = -4,
  PG_NO_TRANSFER = -5,
  PG_BAD_MANIFEST = -6,
  PG_TOO_LARGE = -7,
  PG_BAD_GEOMETRY = -8,
  PG_UNKNOWN_CODEC = -9,
  PG_DECODE_MEMORY = -10,
  PG_NO_SLOT = -11,
  PG_STORAGE = -12,
  PG_BLOCK_CRC = -13,
  PG_DIGEST = -14,
  PG_NOT_VERIFIED = -15,
  PG_BUSY = -16,
  PG_BAD_ARGUMENT = -17,
  PG_NOT_FOUND = -18,
  PG_OLD_GENERATION = -19,
  PG_UNAUTHORIZED = -20,
  PG_BAD_VERSION = -21
};

#endif
