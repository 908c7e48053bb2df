/* A host that knows the keys of pairing (SPEC §9), right or wrong. */
#ifndef KEYED_HOST_H
#define KEYED_HOST_H

#include "rig.h"

extern const uint8_t keyed_uuid[16]; /* of the board */
extern const uint8_t key1[16], key2[16];
extern uint8_t mac_type; /* that the host asks for */

/* Of the last challenge: what the host has to say, what the board said and should have said. */
extern uint8_t proof[16], board_proof[16], wanted_proof[16];

void tag_of(const uint8_t key[16], uint8_t label, const uint8_t *bytes, size_t n, uint8_t tag[16]);

/* A board with that identity, which has no key, or key1. */
void fresh(rig *g, uint8_t slots);
void paired(rig *g, uint8_t slots);

/* Each returns the code of an ERR, 0 when the board agreed. */
int challenge(rig *g, const uint8_t key[16]); /* CAPS, CHALLENGE; computes both proofs from what went over the wire */
int send_proof(rig *g, const uint8_t tag[16]);
int log_in(rig *g, const uint8_t key[16]);
int set_first(rig *g, const uint8_t key[16]);
int set_again(rig *g, const uint8_t old[16], const uint8_t key[16]); /* under the old key; the session is proven */
int clear(rig *g, const uint8_t key[16]);
int upload(rig *g, const pattern *p); /* in the session as it is: BEGIN … CONFIRM */

void seal(pattern *p, const uint8_t key[16], uint32_t generation);

#endif
