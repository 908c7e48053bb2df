/*
 * An AVR board on a desk: simavr runs the firmware, and this rig is what is soldered around it. simavr 1.6 has a UART with a FIFO of
 * 64 bytes, an EEPROM that is never busy and an SPI without speed; the models here take their places (uart.c, eeprom.c, spi.c).
 */
#ifndef RIG_H
#define RIG_H

#include <simavr/sim_avr.h>
#include <simavr/sim_io.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "desk.h"

typedef struct rig {
  avr_t *avr;
  uint64_t rx_bytes;    /* that reached the chip's receiver */
  uint64_t rx_overruns; /* of them, lost because two bytes and the shift register were full */
  uint64_t tx_bytes;
  uint64_t eeprom_writes; /* erases and programmings of a byte */
  uint64_t nor_programs;
  uint64_t nor_erases;
  uint64_t nor_suspends;
  uint64_t nor_clashes; /* commands given while the flash was busy, bits that programming cannot set, reads of a sector that is being erased */
  uint64_t sd_reads;    /* of sectors */
  uint64_t sd_writes;
  uint64_t sd_pauses;   /* of them, those after which the card tidied up */
  uint64_t sd_torn;
  uint64_t sd_clashes;  /* commands while it was busy or at a wrong rate, before 74 clocks, to places that it does not have */
  uint64_t cut_cycle;   /* when the supply failed last */
  bool cut_wanted;      /* by a model; the rig does it and takes it back */
} rig_t;

typedef struct spi_device {
  void (*select)(bool now);                                          /* optional */
  uint8_t (*exchange)(bool selected, uint8_t in, uint32_t cycles); /* cycles: that the eight bits took */
} spi_device;

/* simavr's module of that kind ("uart", "eeprom", "spi"; name 0 = any). Ends the program if there is none. */
void *rig_module(rig_t *rig, const char *kind);
avr_cycle_count_t rig_us(const rig_t *rig, double us);
/* Whole file of that size, shared with the memory returned, so that it survives a kill; new bytes are 0xFF. */
uint8_t *rig_map(const char *path, size_t bytes);

/* Each replaces what simavr has. `…_reset` is called at every reset; `…_cut` when the supply fails: what is under way is torn. */
void uart_start(rig_t *rig);
void uart_reset(void);
void uart_noise(uint32_t one_in); /* of so many bytes one has a bit flipped, either way; 0 = none */
size_t uart_room(void); /* bytes that the cable takes now */
void uart_send_to_chip(const uint8_t *bytes, size_t n);
size_t uart_sent_by_chip(uint8_t *bytes, size_t room);

void eeprom_start(rig_t *rig, const char *file);
void eeprom_reset(void);
void eeprom_cut(void);

void nor_start(rig_t *rig, const char *file, uint8_t size_log2, bool can_suspend, char cs_port, int cs_bit);
void nor_cut(void);

/* `file` has the card's size and content; empty: no card. `every` so many blocks it tidies up, 0 = never. */
void sd_start(rig_t *rig, const char *file, bool standard_capacity, uint32_t every, char cs_port, int cs_bit);
void sd_cut(void);
void sd_tear(uint32_t in); /* the supply fails while the block that comes as the in-th from now on is being written */

void spi_start(rig_t *rig, const spi_device *device, char cs_port, int cs_bit);
void spi_reset(void);

#endif
