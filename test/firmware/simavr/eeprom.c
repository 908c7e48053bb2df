/* The EEPROM as the data sheet has it: 3.4 ms to rewrite a byte, 1.8 ms to erase or to program it alone, busy meanwhile. */
#include "rig.h"

#include <simavr/avr_eeprom.h>
#include <stdlib.h>

enum { READ = 1, PROGRAM = 2, UNLOCK = 4, INTERRUPT = 8, ERASE_ONLY = 16, WRITE_ONLY = 32 };

static rig_t *rig;
static avr_eeprom_t *eeprom;
static bool busy;
static uint16_t target;
static uint8_t result;
static avr_cycle_count_t unlocked_until;

static uint16_t address(void) {
  const uint8_t *data = rig->avr->data;
  const unsigned high = eeprom->r_eearh ? data[eeprom->r_eearh] : 0;
  return (uint16_t)((data[eeprom->r_eearl] | high << 8) % eeprom->size);
}

static avr_cycle_count_t finished(avr_t *avr, avr_cycle_count_t when, void *param) {
  (void)when;
  (void)param;
  busy = false;
  eeprom->eeprom[target] = result;
  avr->data[eeprom->r_eecr] &= (uint8_t)~PROGRAM;
  return 0;
}

static void program(uint8_t mode) {
  const uint8_t value = rig->avr->data[eeprom->r_eedr];
  target = address();
  result = mode & ERASE_ONLY ? 0xFF : mode & WRITE_ONLY ? (uint8_t)(eeprom->eeprom[target] & value) : value;
  busy = true;
  rig->eeprom_writes++;
  avr_cycle_timer_register(rig->avr, rig_us(rig, mode & (ERASE_ONLY | WRITE_ONLY) ? 1800 : 3400), finished, NULL);
}

static void write_control(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
  (void)param;
  const bool unlocked = avr->cycle <= unlocked_until;
  if (value & READ && !busy) {
    avr->data[eeprom->r_eedr] = eeprom->eeprom[address()];
    avr->cycle += 4;
  }
  if (value & PROGRAM && unlocked && !busy) {
    program(value);
    unlocked_until = 0;
    avr->cycle += 2;
  } else if (value & UNLOCK) {
    unlocked_until = avr->cycle + 5;
  }
  avr->data[addr] = (uint8_t)((value & (INTERRUPT | ERASE_ONLY | WRITE_ONLY)) | (busy ? PROGRAM : 0));
}

void eeprom_start(rig_t *with, const char *file) {
  rig = with;
  eeprom = rig_module(rig, "eeprom");
  if (file) eeprom->eeprom = rig_map(file, eeprom->size);
  rig->avr->io[AVR_DATA_TO_IO(eeprom->r_eecr)].w.c = write_control;
}

/* A reset does not stop what is being programmed. */
void eeprom_reset(void) {
  unlocked_until = 0;
  if (busy) finished(rig->avr, 0, NULL);
}

/* Some of the bits have changed, any of them. */
void eeprom_cut(void) {
  if (!busy) return;
  busy = false;
  const uint8_t changed = (uint8_t)rand();
  eeprom->eeprom[target] = (uint8_t)((eeprom->eeprom[target] & ~changed) | (result & changed));
}
