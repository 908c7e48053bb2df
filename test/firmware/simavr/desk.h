/* What every rig with a simavr board needs: options, a pty as the board's line, commands on stdin, and real time. */
#ifndef DESK_H
#define DESK_H

#include <simavr/sim_avr.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define DESK_FREQUENCY 16000000u

/* Says what and errno on stderr, and ends the program. */
void desk_fail(const char *what);

/* The value behind `--name`, or `otherwise`. */
const char *desk_option(int argc, char **argv, const char *name, const char *otherwise);

/* The program ends with its parent; of simavr's messages errors are printed alone. */
void desk_start(void);

/* Prints the ready line with the path; returns the master, which does not block. `held`: a client's closing is no hang-up. */
int desk_open_pty(bool held);

/* Reads what waits on stdin and obeys each whole line of at most 511 characters. The end of input ends the program. */
void desk_read_commands(void (*obey)(char *line));

/* Data records of an Intel HEX file, and the two that move their base, into the flash; returns the lowest address. simavr's own reader stumbles over start records. */
uint32_t desk_load_hex(avr_t *avr, const char *path);

/* Runs the chip in real time, times `speed`, and serves every half millisecond of it. What the host could not keep up with goes to `late_ms`. */
__attribute__((noreturn)) void desk_run(avr_t *avr, double speed, void (*serve)(void), double *late_ms);

#endif
