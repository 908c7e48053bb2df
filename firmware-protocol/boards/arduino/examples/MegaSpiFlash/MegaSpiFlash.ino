// An Arduino Mega 2560 with WS2812 on D2 and an SPI flash of the W25Q kind (3.3 V, level shifter): CS D53, SCK D52, MISO D50, MOSI D51.
// Two patterns: the old one plays while the new one arrives.
#include <Pixelgate.h>
#include <PixelgateSpiFlash.h>
#include <PixelgateWs2812.h>

const uint8_t LED_PIN = 2, FLASH_CS_PIN = 53;
const uint16_t LED_COUNT = 60;

uint8_t pixels[LED_COUNT * 3];
PixelgateWs2812 strip;
PixelgateSpiFlash storage(FLASH_CS_PIN);
Pixelgate gate(pixels, LED_COUNT, storage);

void show() { strip.show(pixels, sizeof pixels); }

// Five blinks a second: the flash does not answer.
void giveUp() {
  pinMode(LED_BUILTIN, OUTPUT);
  for (;;) digitalWrite(LED_BUILTIN, millis() / 100 % 2);
}

void setup() {
  Serial.begin(115200);
  strip.begin(LED_PIN);
  gate.setName("Arduino Mega 2560");
  gate.onShow(show);
  if (gate.begin(Serial) != 0) giveUp();
}

void loop() { gate.loop(); }
