/* SPI as the data sheet has it: eight bits at the chip's own clock, and one device with a chip select. */
#include "rig.h"

#include <simavr/avr_ioport.h>
#include <simavr/avr_spi.h>

static rig_t *rig;
static avr_spi_t *spi;
static const spi_device *device;
static bool shifting, selected;
static uint8_t reply;
static uint32_t cycles;

static void on_select(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)param;
  const bool now = !(value & 1); /* bit 8 tells that the pin is an output */
  if (now == selected) return;
  selected = now;
  if (device->select) device->select(now);
}

static avr_cycle_count_t shifted(avr_t *avr, avr_cycle_count_t when, void *param) {
  (void)when;
  (void)param;
  shifting = false;
  reply = device->exchange(selected, avr->data[spi->r_spdr], cycles);
  avr_raise_interrupt(avr, &spi->spi);
  return 0;
}

static void write_data(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param) {
  static const uint8_t divider[4] = {4, 16, 64, 128};
  (void)param;
  if (shifting) desk_fail("a byte for SPI before the last one had left");
  cycles = divider[avr->data[spi->r_spcr] & 3] * 8u >> (avr->data[spi->r_spsr] & 1);
  avr->data[address] = value;
  avr_regbit_clear(avr, spi->spi.raised);
  shifting = true;
  avr_cycle_timer_register(avr, cycles, shifted, NULL);
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t address, void *param) {
  (void)address;
  (void)param;
  avr_regbit_clear(avr, spi->spi.raised);
  return reply;
}

void spi_start(rig_t *with, const spi_device *wired, char cs_port, int cs_bit) {
  rig = with;
  device = wired;
  spi = rig_module(rig, "spi");
  avr_t *avr = rig->avr;
  avr->io[AVR_DATA_TO_IO(spi->r_spdr)].w.c = write_data;
  avr->io[AVR_DATA_TO_IO(spi->r_spdr)].r.c = read_data;
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(cs_port), IOPORT_IRQ_PIN0 + cs_bit), on_select, NULL);
}

void spi_reset(void) { shifting = selected = false; }
