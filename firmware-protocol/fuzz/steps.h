/*
 * The input of fuzz-session: the shape of a board, then steps of three bytes (what, how, length) and their own bytes.
 */
#ifndef STEPS_H
#define STEPS_H

#define SHAPE_BYTES 6u
#define STEP_BYTES 3u
#define MOST_STEPS 200u

/* Steps beyond the 64 message types. */
enum { TIME = 64, RESTART, CUT, NOISE, POLL, UPLOAD, BUNDLE, MANIFEST, BLOCK, TABLE, FINISH, JUDGE, KINDS };
/* How a frame is sent. */
enum { REPEAT = 1, STRANGER = 2, VERSION = 4, PLAIN = 8, ONE_POLL = 16, NO_POLL = 32, AHEAD = 64, TARGET = 128 };

#endif
