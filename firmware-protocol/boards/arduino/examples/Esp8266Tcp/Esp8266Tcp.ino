// An ESP8266 with LEDs that FastLED knows, on the network: pixelgate upload FILE --tcp ADDRESS:7000
// Tools, Flash Size: one with a file system (FS:1MB), whose place the patterns take.
#include <ESP8266WiFi.h>

#include <FastLED.h>

#include <Pixelgate.h>
#include <PixelgateEsp8266Flash.h>

const char *WIFI_NAME = "name of the network";
const char *WIFI_PASSWORD = "its password";
const uint16_t PORT = 7000;
const uint8_t LED_PIN = 2; // D4
const uint16_t WIDTH = 16, HEIGHT = 16;

CRGB leds[WIDTH * HEIGHT];
PixelgateEsp8266Flash storage;
Pixelgate gate((uint8_t *)leds, WIDTH * HEIGHT, storage);
WiFiServer server(PORT);
WiFiClient client;

void show() { FastLED.show(); }

void setup() {
  Serial.begin(115200);
  WiFi.mode(WIFI_STA);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  server.begin();
  FastLED.addLeds<WS2812B, LED_PIN, GRB>(leds, WIDTH * HEIGHT);
  gate.setName("ESP8266");
  gate.setMatrix(WIDTH, HEIGHT);
  gate.onShow(show);
  if (gate.begin() != 0) Serial.println("No flash for patterns.");
}

// The newest connection counts: the gateway comes back before an old one has timed out.
void listen() {
  WiFiClient next = server.accept();
  if (next) {
    client.stop();
    client = next;
    client.setNoDelay(true);
    gate.attach(client);
    Serial.println(WiFi.localIP());
  } else if (!client.connected()) {
    gate.detach();
  }
}

void loop() {
  listen();
  gate.loop();
}
