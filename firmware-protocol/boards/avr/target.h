/*
 * What differs between the targets. A target is a chip and a kind of storage (Makefile: TARGET_UNO, TARGET_MEGA, and
 * STORAGE_NOR, STORAGE_SD or STORAGE_EEPROM). All run at 16 MHz.
 *
 *             LED data   status LED             SPI flash or SD card: CS, SCK, MISO, MOSI
 * Uno         D6 (PD6)   D13 (PB5), NOR: D9     D10, D13, D12, D11
 * Mega        D2 (PE4)   D13 (PB7)              D53, D52, D50, D51
 */
#ifndef TARGET_H
#define TARGET_H

#include <avr/io.h>

#if defined(TARGET_UNO)
#if LEDS > 160
#error "an Uno has RAM for 160 LEDs"
#endif
#ifdef STORAGE_SD
#error "an Uno has no RAM for sectors of 512 bytes beside the library"
#endif
#define BOARD_NAME "Arduino Uno"
#define LED_PORT PORTD
#define LED_DDR DDRD
#define LED_BIT 6
#ifdef STORAGE_NOR
#define STATUS_BIT 1
#else
#define STATUS_BIT 5
#endif
#define SPI_CS 2
#define SPI_MOSI 3
#define SPI_SCK 5
#elif defined(TARGET_MEGA)
#define BOARD_NAME "Arduino Mega 2560"
#define LED_PORT PORTE
#define LED_DDR DDRE
#define LED_BIT 4
#define STATUS_BIT 7
#define SPI_CS 0
#define SPI_SCK 1
#define SPI_MOSI 2
#define SPI_MISO 3
#else
#error "no target"
#endif

#define START_BAUD 115200

#endif
