#define _POSIX_C_SOURCE 200809L
#include "mqtt_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH = 0x30, PUBACK = 0x40, SUBSCRIBE = 0x82, PINGREQ = 0xC0 };

typedef struct packet {
  uint8_t bytes[MQTT_PACKET_BYTES];
  size_t n;
} packet;

static void put(packet *p, const void *bytes, size_t n) {
  if (p->n + n > sizeof p->bytes) n = 0;
  memcpy(p->bytes + p->n, bytes, n);
  p->n += n;
}

static void put_u16(packet *p, size_t value) {
  const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
  put(p, bytes, 2);
}

/* §1.5.3 */
static void put_text(packet *p, const char *text) {
  put_u16(p, strlen(text));
  put(p, text, strlen(text));
}

static int write_all(int socket, const uint8_t *bytes, size_t n) {
  while (n) {
    const ssize_t wrote = send(socket, bytes, n, MSG_NOSIGNAL);
    if (wrote <= 0) return -1;
    bytes += wrote;
    n -= (size_t)wrote;
  }
  return 0;
}

/* Fixed header (§2.2), then the rest. */
static int write_packet(mqtt_client *c, uint8_t first, const packet *p) {
  uint8_t header[5] = {first};
  size_t at = 1, left = p->n;
  do {
    header[at] = (uint8_t)(left & 127u);
    left >>= 7;
    if (left) header[at] |= 128u;
    at++;
  } while (left);
  return write_all(c->socket, header, at) || write_all(c->socket, p->bytes, p->n) ? -1 : 0;
}

int mqtt_open(mqtt_client *c, const char *host, const char *port) {
  struct addrinfo hints, *found;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  c->socket = -1;
  c->in_n = 0;
  if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
  for (const struct addrinfo *a = found; a && c->socket < 0; a = a->ai_next) {
    const int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (s >= 0 && connect(s, a->ai_addr, a->ai_addrlen) == 0) c->socket = s;
    else if (s >= 0) close(s);
  }
  freeaddrinfo(found);
  const int yes = 1;
  if (c->socket >= 0) setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return c->socket < 0 ? -1 : 0;
}

/* §3.1: a clean session with a will, a name and a password. */
int mqtt_login_as(mqtt_client *c, const mqtt_login *login) {
  packet p = {{0}, 0};
  const uint8_t level_and_flags[2] = {4, 0x02 | 0x04 | 0x08 | 0x20 | 0x80 | 0x40};
  put_text(&p, "MQTT");
  put(&p, level_and_flags, 2);
  put_u16(&p, login->keepalive_seconds);
  put_text(&p, login->client_id);
  put_text(&p, login->will_topic);
  put_text(&p, login->will);
  put_text(&p, login->user);
  put_text(&p, login->password);
  if (write_packet(c, CONNECT, &p) != 0) return -1;
  uint8_t answer[4];
  size_t n = 0;
  while (n < sizeof answer) {
    const ssize_t got = recv(c->socket, answer + n, sizeof answer - n, 0);
    if (got <= 0) return -1;
    n += (size_t)got;
  }
  return answer[0] == CONNACK && answer[3] == 0 ? 0 : -1;
}

int mqtt_subscribe(mqtt_client *c, const char *filter) {
  packet p = {{0}, 0};
  const uint8_t qos = 1;
  c->packet_id = c->packet_id == 0xFFFF ? 1 : (uint16_t)(c->packet_id + 1);
  put_u16(&p, c->packet_id);
  put_text(&p, filter);
  put(&p, &qos, 1);
  return write_packet(c, SUBSCRIBE, &p);
}

/* §3.3 with QoS 1. The acknowledgement is not waited for: what is lost the protocol sends again. */
int mqtt_publish(mqtt_client *c, const char *topic, const uint8_t *bytes, size_t n, int retain) {
  packet p = {{0}, 0};
  c->packet_id = c->packet_id == 0xFFFF ? 1 : (uint16_t)(c->packet_id + 1);
  put_text(&p, topic);
  put_u16(&p, c->packet_id);
  put(&p, bytes, n);
  return write_packet(c, (uint8_t)(PUBLISH | 0x02 | (retain ? 1 : 0)), &p);
}

int mqtt_ping(mqtt_client *c) {
  const packet p = {{0}, 0};
  return write_packet(c, PINGREQ, &p);
}

static int on_publish(mqtt_client *c, uint8_t first, const uint8_t *body, size_t n) {
  char topic[256];
  if (n < 2) return -1;
  const size_t topic_n = (size_t)body[0] << 8 | body[1];
  size_t at = 2 + topic_n;
  if (at > n || topic_n >= sizeof topic) return -1;
  memcpy(topic, body + 2, topic_n);
  topic[topic_n] = 0;
  if ((first & 0x06) == 0x02) {
    packet ack = {{0}, 0};
    if (at + 2 > n) return -1;
    put(&ack, body + at, 2);
    at += 2;
    if (write_packet(c, PUBACK, &ack) != 0) return -1;
  }
  c->on_message(c->ctx, topic, body + at, n - at);
  return 0;
}

/* Size of the packet that `in` begins with and of its fixed header (§2.2.3); 0: it is not whole yet; -1: it cannot be. */
static long packet_size(const mqtt_client *c, size_t *header) {
  size_t length = 0;
  for (size_t at = 1; at <= 4; at++) {
    if (at >= c->in_n) return 0;
    length |= (size_t)(c->in[at] & 127u) << (7 * (at - 1));
    if (c->in[at] & 128u) continue;
    *header = at + 1;
    if (*header + length > sizeof c->in) return -1;
    return *header + length > c->in_n ? 0 : (long)(*header + length);
  }
  return -1;
}

int mqtt_receive(mqtt_client *c) {
  const ssize_t got = recv(c->socket, c->in + c->in_n, sizeof c->in - c->in_n, 0);
  if (got <= 0) return -1;
  c->in_n += (size_t)got;
  for (;;) {
    size_t header = 0;
    const long size = packet_size(c, &header);
    if (size <= 0) return (int)size;
    const uint8_t first = c->in[0];
    if ((first & 0xF0) == PUBLISH && on_publish(c, first, c->in + header, (size_t)size - header) != 0) return -1;
    c->in_n -= (size_t)size;
    memmove(c->in, c->in + size, c->in_n);
  }
}

/* What was written arrives: a socket that is closed with bytes unread takes it back. */
void mqtt_close(mqtt_client *c) {
  const struct timeval patience = {0, 500000};
  if (c->socket < 0) return;
  setsockopt(c->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  shutdown(c->socket, SHUT_WR);
  while (recv(c->socket, c->in, sizeof c->in, 0) > 0) continue;
  close(c->socket);
  c->socket = -1;
}
