/* The part of MQTT 3.1.1 that a board needs, over a socket, for trying the glue on a computer. Chapters are of the standard. */
#ifndef MQTT_CLIENT_H
#define MQTT_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define MQTT_PACKET_BYTES 8192u

typedef struct mqtt_client {
  int socket;
  uint16_t packet_id;
  uint8_t in[MQTT_PACKET_BYTES];
  size_t in_n;
  void *ctx;
  void (*on_message)(void *ctx, const char *topic, const uint8_t *bytes, size_t n);
} mqtt_client;

typedef struct mqtt_login {
  const char *client_id, *user, *password;
  const char *will_topic, *will; /* retained, QoS 1 */
  uint16_t keepalive_seconds;
} mqtt_login;

/* All return 0, or -1 when the connection is of no use any more. */
int mqtt_open(mqtt_client *c, const char *host, const char *port);
int mqtt_login_as(mqtt_client *c, const mqtt_login *login);
int mqtt_subscribe(mqtt_client *c, const char *filter);
int mqtt_publish(mqtt_client *c, const char *topic, const uint8_t *bytes, size_t n, int retain);
int mqtt_ping(mqtt_client *c);
/* Handles what has come; call it when the socket is readable. */
int mqtt_receive(mqtt_client *c);
void mqtt_close(mqtt_client *c);

#endif
