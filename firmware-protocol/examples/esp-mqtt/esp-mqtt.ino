// An ESP8266 or ESP32 with LEDs that FastLED knows, as a client of the gateway's MQTT broker.
// Libraries: PubSubClient, FastLED, Pixelgate. What to fill in is printed by
//   pixelgate mqtt-user add shelf --board UUID --show arduino
// pg_mqtt.c and pg_mqtt.h have to lie beside this sketch; leave out mqtt_client.* and host.c, which are for computers.
#if defined(ESP8266)
#include <ESP8266WiFi.h>
#include <PixelgateEsp8266Flash.h>
typedef PixelgateEsp8266Flash Storage;
#else
#include <PixelgateEsp32Partition.h>
#include <WiFi.h>
typedef PixelgateEsp32Partition Storage;
#endif
#include <FastLED.h>
#include <Pixelgate.h>
#include <PubSubClient.h>

#include "pg_mqtt.h"

const char *WIFI_NAME = "name of the network", *WIFI_PASSWORD = "its password";
const char *BROKER = "192.168.1.20";
const uint16_t BROKER_PORT = 1883;
const char *GATEWAY = "0badcafe"; // its id
const char *BOARD = "01010101-0101-4101-8101-010101010101";
const char *USER = "shelf", *PASSWORD = "what mqtt-user has printed";

const uint8_t LED_PIN = 2;
const uint16_t WIDTH = 16, HEIGHT = 16;
const uint16_t MAX_BODY = 1024;

// The line between the library and the client: what comes is read here, what the board writes is cut into messages.
class MqttLine : public Stream {
public:
  pg_mqtt mqtt;
  void take(const uint8_t *bytes, size_t n) {
    while (n-- && count < sizeof ring) ring[(first + count++) % sizeof ring] = *bytes++;
  }
  int available() override { return (int)count; }
  int peek() override { return count ? ring[first] : -1; }
  int read() override {
    const int byte = peek();
    if (byte >= 0) first = (first + 1) % sizeof ring, count--;
    return byte;
  }
  size_t write(uint8_t byte) override { return write(&byte, 1); }
  size_t write(const uint8_t *bytes, size_t n) override {
    pg_mqtt_from_board(&mqtt, bytes, n);
    return n;
  }
  void flush() override {}

private:
  uint8_t ring[4096]; // the window that the board grants fits in
  size_t first = 0, count = 0;
};

CRGB leds[WIDTH * HEIGHT];
Storage storage;
Pixelgate gate((uint8_t *)leds, WIDTH * HEIGHT, storage);
WiFiClient wifi;
PubSubClient client(wifi);
MqttLine line;
uint8_t frame[MAX_BODY + 8];
char topic[PG_MQTT_TOPIC_BYTES];

// PubSubClient publishes with QoS 0 only; what is lost the protocol sends again.
void publish(void *, const char *to, const uint8_t *bytes, size_t n) { client.publish(to, bytes, n, false); }
void toBoard(void *, const uint8_t *bytes, size_t n) { line.take(bytes, n); }

const pg_mqtt_config glue = {GATEWAY, BOARD, frame, sizeof frame, nullptr, publish, toBoard};

void onMessage(char *to, uint8_t *bytes, unsigned int n) { pg_mqtt_message(&line.mqtt, to, bytes, n); }

void show() { FastLED.show(); }

void setup() {
  WiFi.mode(WIFI_STA);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  FastLED.addLeds<WS2812B, LED_PIN, GRB>(leds, WIDTH * HEIGHT);
  pg_mqtt_init(&line.mqtt, &glue);
  client.setServer(BROKER, BROKER_PORT);
  client.setBufferSize(MAX_BODY + 8 + PG_MQTT_TOPIC_BYTES + 16);
  client.setCallback(onMessage);
  gate.setName("ESP");
  gate.setMatrix(WIDTH, HEIGHT);
  gate.setReceiveBuffer(4096, 0);
  gate.onShow(show);
  gate.begin(line);
}

void connect() {
  static uint32_t tried = 0;
  if (client.connected() || WiFi.status() != WL_CONNECTED || (tried && millis() - tried < 2000)) return;
  tried = millis();
  pg_mqtt_topic(&line.mqtt, "availability", topic);
  if (!client.connect(BOARD, USER, PASSWORD, topic, 1, true, "offline")) return;
  client.publish(topic, "online", true);
  pg_mqtt_topic(&line.mqtt, PG_MQTT_DATA_FILTER, topic);
  client.subscribe(topic, 1);
  pg_mqtt_topic(&line.mqtt, PG_MQTT_DOWN_FILTER, topic);
  client.subscribe(topic, 1);
}

void loop() {
  connect();
  client.loop();
  gate.loop();
}
