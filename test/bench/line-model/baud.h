#ifndef LINE_MODEL_BAUD_H
#define LINE_MODEL_BAUD_H

/* Output rate set on a terminal, odd rates included; 0 when it cannot be told. */
double baud_of(int fd);

#endif
